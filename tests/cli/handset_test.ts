/**
 * `handset` as a person starts it, before a real RabbitMQ and a bridge that runs elsewhere.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { EXIT } from "../../src/cli/exit_codes.ts";
import { startService } from "../../src/service/service.ts";
import { FakeTurn, send } from "../support/fake_turn.ts";
import { until } from "../support/until.ts";
import { SECRET, testConfig, TOKEN } from "../support/bridge.ts";
import { PageClient } from "../support/page_client.ts";
import { PERMISSIONS } from "../support/program.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { Transcript } from "../support/transcript.ts";
import { inboundMessage, Transport } from "../support/transport.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const USER = "+26612345678";

function handset(flags: Readonly<Record<string, string>>, ...args: string[]): Deno.ChildProcess {
  const all = {
    "http-bind": "127.0.0.1:0",
    "turn-api-url": "http://127.0.0.1:9/v1",
    "auth-token": TOKEN,
    "turn-hmac-secret": SECRET,
    "default-from-addr": "8110",
    "amqp-url": amqpUrl(),
    "page-port": "0",
    ...flags,
  };
  const given = Object.entries(all).map(([flag, value]) => `--${flag}=${value}`);
  return start([...given, ...args]);
}

function start(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", ...PERMISSIONS, "src/main.ts", "handset", ...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function refusal(process: Deno.ChildProcess): Promise<{ code: number; err: string }> {
  const [{ code }, err] = await Promise.all([
    process.status,
    process.stderr.text(),
    process.stdout.cancel(),
  ]);
  return { code, err };
}

/** Deletes the queues of a connector in the end. */
async function connector(): Promise<AsyncDisposable & { name: string; transport: Transport }> {
  const name = `test-${crypto.randomUUID()}`;
  const transport = await Transport.connect(name);
  await transport.takeNoMore();
  return { name, transport, [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose]() };
}

Deno.test("handset plays the phone before the broker, the bridge and the Turn of a configuration", async () => {
  await using turn = FakeTurn.start({ authToken: TOKEN });
  await using queues = await connector();
  await using service = await startService(await testConfig(queues.name, turn.url));
  await using process = handset({ "connector-name": queues.name, "turn-api-url": turn.url });
  const stdout = new Transcript(process.stdout);
  const [, url = ""] = await stdout.waitFor(/in a browser: (http:\S+)\n[^]*Ctrl-C/);
  await using client = await PageClient.open(url);
  await client.hears({ kind: "hello", whole: false, connector: queues.name, number: "8110" });
  await client.act({ do: "dial", address: USER, code: "*120*1#" });
  await turn.received(1);
  const body = { to: USER, turn: { type: "text", text: { body: "Your name?" } } };
  const question = { ...body, waiting_for_user_input: true };
  await until("readiness", async () => {
    const response = await fetch(`${service.address}/readyz`);
    await response.body?.cancel();
    return response.ok;
  });
  const answer = await send(`${service.address}/messages`, question, { secret: SECRET });
  assert.equal(answer.status, 200, await answer.text());
  await client.hears({ kind: "phone", session: { state: "asking", text: "Your name?" } });
  await client.act({ do: "answer", address: USER, text: "Neo" });
  const calls = await turn.received((all) => {
    return all.some(({ body }) => JSON.stringify(body).includes('"body":"Neo"')) &&
      all.some(({ path }) => path === "/statuses");
  });
  assert.ok(calls.length >= 3);
  await client.hears({ kind: "trace", trace: { flow: "outbound", state: "done" } });
  process.kill("SIGTERM");
  assert.equal(await process.stderr.text(), "");
  assert.equal((await process.status).code, EXIT.ok);
  await stdout.ended;
  await service.drain(AbortSignal.timeout(5_000));
});

Deno.test("handset takes no messages that somebody else takes, unless it is told to", async () => {
  const name = `test-${crypto.randomUUID()}`;
  await using transport = await Transport.connect(name);
  const { code, err } = await refusal(handset({ "connector-name": name }));
  assert.match(err, /^Another program consumes \S+\.outbound \(consumers: 1\)/);
  assert.ok(err.includes("--force"));
  assert.equal(code, EXIT.unavailable);
  await using process = handset({ "connector-name": name }, "--force");
  const stdout = new Transcript(process.stdout);
  await stdout.waitFor(/in a browser/);
  process.kill("SIGINT");
  await process.stderr.cancel();
  assert.equal((await process.status).code, EXIT.ok);
  await stdout.ended;
  assert.deepEqual(transport.outbound, []);
});

Deno.test("handset leaves messages that wait for a transport where they are, unless it is told to", async () => {
  await using queues = await connector();
  for (const content of ["first", "second"]) {
    await queues.transport.publish("outbound", inboundMessage({ to_addr: USER, content }));
  }
  const { code, err } = await refusal(handset({ "connector-name": queues.name }));
  assert.equal(
    err,
    `Messages to users wait in ${queues.name}.outbound: 2. Simulated phones would take them, ` +
      "and no user would get them.\nStart the transport, which sends them; " +
      "or --force takes them nevertheless.\n",
  );
  assert.equal(code, EXIT.unavailable);
  assert.equal(await queues.transport.depth("outbound"), 2);
  await using process = handset({ "connector-name": queues.name }, "--force");
  const stdout = new Transcript(process.stdout);
  const [, url = ""] = await stdout.waitFor(/in a browser: (http:\S+)/);
  await using client = await PageClient.open(url);
  for (const text of ["first", "second"]) await client.hears({ kind: "said", by: "service", text });
  process.kill("SIGTERM");
  assert.equal(await process.stderr.text(), "");
  assert.equal((await process.status).code, EXIT.ok);
  await stdout.ended;
});

Deno.test("handset declares nothing before it knows that it may", async () => {
  const name = `test-${crypto.randomUUID()}`;
  const { code, err } = await refusal(
    handset({
      "connector-name": name,
      "amqp-url": "amqp://nobody:wrong@" + new URL(amqpUrl()).host,
    }),
  );
  assert.match(err, /^Cannot connect to RabbitMQ at /);
  assert.ok(!err.includes("wrong"), "the password");
  assert.equal(code, EXIT.unavailable);
});

Deno.test("handset has no use for queues inside another process", async () => {
  const { code, err } = await refusal(
    handset({ "connector-name": "test-memory", "amqp-url": "memory:" }),
  );
  assert.ok(err.includes("turn-channels demo"), err);
  assert.equal(code, EXIT.config);
});

Deno.test("handset asks which of several channels it is to play", async () => {
  const channel = (name: string) => ({
    connector_name: name,
    default_from_addr: "8110",
    turn_api_url: "http://127.0.0.1:9/v1",
    auth_token: TOKEN,
    turn_hmac_secret: SECRET,
    vumi_api_path: `/${name}`,
  });
  const config = {
    http_bind: "127.0.0.1:0",
    amqp_url: amqpUrl(),
    channels: [channel("test-one"), channel("test-two")],
  };
  const file = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(file, JSON.stringify(config));
  try {
    for (const args of [[], ["--connector", "three"]]) {
      const refused = await refusal(start(["--config", file, "--page-port", "0", ...args]));
      assert.match(refused.err, /--connector must be one of: test-one, test-two\n$/);
      assert.equal(refused.code, EXIT.usage);
    }
    await using _queues = await Transport.connect("test-two");
    await using process = start(
      ["--config", file, "--page-port", "0", "--connector", "test-two", "--force"],
    );
    const stdout = new Transcript(process.stdout);
    await stdout.waitFor(/use the queues of test-two/);
    process.kill("SIGTERM");
    await process.stderr.cancel();
    await process.status;
    await stdout.ended;
  } finally {
    await Deno.remove(file);
  }
});
