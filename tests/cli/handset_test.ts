/**
 * `handset` as a person starts it, before a real RabbitMQ and a bridge that runs elsewhere.
 *
 * @module
 */

import assert from "node:assert/strict";
import { EXIT } from "../../src/cli/exit_codes.ts";
import type { PageEvent } from "../../src/simulator/handset/events.ts";
import { startService } from "../../src/service/service.ts";
import { FakeTurn, send } from "../support/fake_turn.ts";
import { until } from "../support/until.ts";
import { SECRET, testConfig, TOKEN } from "../support/bridge.ts";
import { PageClient } from "../support/page_client.ts";
import { Program } from "../support/program.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { Transcript } from "../support/transcript.ts";
import { inboundMessage, Transport } from "../support/transport.ts";

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
  return Program.fromSource().spawn(["handset", ...args]);
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

/** A connector with messages that wait for two people. */
async function withWaiting() {
  const queues = await connector();
  const waiting = [["+27821234567", "first"], ["+27831234568", "second"]] as const;
  for (const [to_addr, content] of waiting) {
    await queues.transport.publish("outbound", inboundMessage({ to_addr, content }));
  }
  return queues;
}

async function pageOf(process: Deno.ChildProcess) {
  const stdout = new Transcript(process.stdout);
  const [said = "", url = ""] = await stdout.waitFor(/[^]*in a browser: (http:\S+)[^]*Ctrl-C/);
  return { stdout, url, said, client: await PageClient.open(url) };
}

function isNack(event: PageEvent): boolean {
  return event.kind === "reported" && event.report === "nack";
}

async function ended(process: Deno.ChildProcess, stdout: Transcript): Promise<void> {
  process.kill("SIGTERM");
  assert.equal(await process.stderr.text(), "");
  assert.equal((await process.status).code, EXIT.ok);
  await stdout.ended;
}

Deno.test("handset takes nothing while messages wait for others, before it is told what becomes of them", async () => {
  await using queues = await withWaiting();
  for (let start = 0; start < 3; start++) {
    await using process = handset({ "connector-name": queues.name });
    const { stdout, said, client: opened } = await pageOf(process);
    await using client = opened;
    const asked =
      `2 messages to users wait in ${queues.name}.outbound, perhaps for real people:\n` +
      "+278…67 and +278…68.\n";
    assert.ok(said.startsWith(asked), said);
    assert.match(said, /Nothing is taken until you say at the page, or by --waiting/);
    assert.match(said, /Turn is told of each what failed_status is: sent/);
    await client.hears({
      kind: "others",
      waited: 2,
      forWhom: "+278…67 and +278…68",
      decision: null,
    });
    await assert.rejects(client.act({ do: "dial", address: USER, code: "*1#" }), /Say first what/);
    assert.equal(await queues.transport.depth("outbound"), 2);
    await ended(process, stdout);
  }
  assert.equal(await queues.transport.depth("outbound"), 2);
});

for (const how of ["at the page", "by --waiting", "and is killed"]) {
  Deno.test(`handset leaves messages for others where they are, told so ${how}`, async () => {
    await using queues = await withWaiting();
    const args = how === "by --waiting" ? ["--waiting", "leave"] : [];
    await using process = handset({ "connector-name": queues.name }, ...args);
    const { stdout, client: opened } = await pageOf(process);
    await using client = opened;
    if (how !== "by --waiting") await client.act({ do: "decide", decision: "leave" });
    await client.hears({ kind: "others", left: 2, taken: 0 });
    // What comes for a phone here is taken, and what comes for others is left too.
    for (const [to_addr, content] of [["+27841234569", "third"], [USER, "for the phone"]]) {
      await queues.transport.publish("outbound", inboundMessage({ to_addr, content }));
    }
    await client.hears({ kind: "said", by: "service", text: "for the phone" });
    await client.hears({ kind: "others", left: 3 });
    assert.deepEqual(client.said, ["for the phone"]);
    if (how === "and is killed") {
      await client[Symbol.asyncDispose]();
      process.kill("SIGKILL");
      await process.stderr.cancel();
      await process.status;
      await stdout.ended;
    } else await ended(process, stdout);
    await until("what was left", async () => await queues.transport.depth("outbound") === 3);
    await queues.transport.takeAgain();
    await until("all in order", () => queues.transport.outbound.length === 3);
    const contents = queues.transport.outbound.map(({ message }) => message.content);
    assert.deepEqual(contents, ["first", "second", "third"]);
  });
}

Deno.test("handset leaves also what has no id, or is no message, if it has waited", async () => {
  await using queues = await connector();
  const nameless = inboundMessage({ message_id: undefined, to_addr: USER, content: "waited" });
  for (const body of [nameless, [1]]) await queues.transport.publish("outbound", body);
  await using process = handset({ "connector-name": queues.name }, "--waiting", "leave");
  const { stdout, client: opened } = await pageOf(process);
  await using client = opened;
  await client.hears({ kind: "others", left: 2 });
  assert.deepEqual(client.said, []);
  await ended(process, stdout);
  assert.equal(await queues.transport.depth("outbound"), 2);
});

Deno.test("handset does not begin at the page beside a transport that was started meanwhile", async () => {
  await using queues = await withWaiting();
  await using process = handset({ "connector-name": queues.name });
  const { stdout, client: opened } = await pageOf(process);
  await using client = opened;
  await queues.transport.takeAgain();
  await queues.transport.received(2);
  const leave = { do: "decide", decision: "leave" } as const;
  await assert.rejects(
    client.act(leave),
    /Another program consumes the queue, most likely a trans/,
  );
  assert.equal(await queues.transport.consumers("outbound"), 1);
  await queues.transport.takeNoMore();
  await client.act(leave);
  await queues.transport.consumed("outbound");
  await ended(process, stdout);
});

Deno.test("handset gives all back to a transport that is started beside it, and says so", async () => {
  await using queues = await withWaiting();
  await using process = handset({ "connector-name": queues.name }, "--waiting", "leave");
  const { stdout, client: opened } = await pageOf(process);
  await using client = opened;
  await client.hears({ kind: "others", left: 2 });
  await queues.transport.takeAgain();
  const outbound = await queues.transport.received(2);
  assert.deepEqual(outbound.map(({ message }) => message.content), ["first", "second"]);
  await client.hears({ kind: "others", left: 0, isGivenBack: true });
  await until("one consumer", async () => await queues.transport.consumers("outbound") === 1);
  await assert.rejects(
    client.act({ do: "dial", address: USER, code: "*1#" }),
    /start handset again/,
  );
  process.kill("SIGTERM");
  assert.match(await process.stderr.text(), /Another program consumes \S+\.outbound too/);
  assert.equal((await process.status).code, EXIT.ok);
  await stdout.ended;
});

Deno.test("handset does not start where more wait than it can leave", async () => {
  await using queues = await connector();
  const messages = Array.from({ length: 501 }, (_, n) => inboundMessage({ to_addr: `+2782${n}` }));
  await Promise.all(messages.map((message) => queues.transport.publish("outbound", message)));
  const { code, err } = await refusal(handset({ "connector-name": queues.name }));
  assert.match(
    err,
    /^501 messages to users wait in \S+, more than handset can leave there: 500\.\n/,
  );
  assert.equal(code, EXIT.unavailable);
  assert.equal(await queues.transport.depth("outbound"), 501);
});

Deno.test("handset takes what came for a new phone, and left it until then", async () => {
  await using queues = await connector();
  await using process = handset({ "connector-name": queues.name });
  const { stdout, client: opened } = await pageOf(process);
  await using client = opened;
  const fields = { to_addr: "+27821234567", content: "welcome" };
  await queues.transport.publish("outbound", inboundMessage(fields));
  await client.hears({ kind: "others", left: 1, leftFor: "+278…67" });
  await client.act({ do: "add", address: "+27821234567" });
  await client.hears({ kind: "said", by: "service", text: "welcome" });
  await ended(process, stdout);
  assert.equal(await queues.transport.depth("outbound"), 0);
});

Deno.test("handset takes messages for others if it is told to, and says what Turn is told of them", async () => {
  await using queues = await withWaiting();
  await using process = handset({ "connector-name": queues.name }, "--waiting", "take");
  const { stdout, said, client: opened } = await pageOf(process);
  await using client = opened;
  assert.match(
    said,
    /They are taken: nobody gets them\.\nTurn is told of each what failed_status is: sent/,
  );
  for (const text of ["first", "second"]) await client.hears({ kind: "said", by: "service", text });
  await client.hears({ kind: "others", taken: 2, left: 0 });
  await until("two nacks", () => client.events.filter(isNack).length === 2);
  assert.ok(client.said.includes("Nobody got this message: it was taken off the queue"));
  await ended(process, stdout);
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
