/**
 * The whole of an operator's first day, as one story: `init`, `check`, `run`, `find`. On the compiled
 * binary if `DENO_COMPILE` names a Deno that can make it, else from source, with its permissions.
 *
 * @module
 */

import assert from "node:assert/strict";
import { loadConfig } from "../src/config/mod.ts";
import { FakeTurn, send } from "./support/fake_turn.ts";
import { compile } from "./support/compiled.ts";
import { freePort } from "./support/free_port.ts";
import { Program } from "./support/program.ts";
import { amqpUrl } from "./support/rabbitmq.ts";
import { Transport } from "./support/transport.ts";
import { until } from "./support/until.ts";

const TOKEN = "the-token-that-turn-gave-us";
const USER = "+26612345678";

/** The program in `folder`, compiled if that was asked for. */
async function program(folder: string): Promise<Program> {
  if (!Deno.env.get("DENO_COMPILE")) return Program.fromSource();
  const fault = await compile(`${folder}/turn-channels`);
  assert.equal(fault, undefined);
  return Program.binary(`${folder}/turn-channels`);
}

const form = Deno.env.get("DENO_COMPILE") ? "the binary" : "the program, from source";

Deno.test(`an operator sets ${form} up, checks it, runs it, and finds a message`, async () => {
  const folder = await Deno.makeTempDir({ prefix: "turn-channels-story-" });
  await using parts = new AsyncDisposableStack();
  parts.defer(() => Deno.remove(folder, { recursive: true }));
  const ours = await program(folder);
  const turn = parts.use(FakeTurn.start({ authToken: TOKEN }));
  const connector = `test-${crypto.randomUUID()}`;
  const transport = parts.use(await Transport.connect(connector));
  const path = `${folder}/config.yaml`;
  const withConfig = (...words: string[]) => [...words, `--config=${path}`];

  // A wrong token at first, as it happens.
  const bind = `127.0.0.1:${freePort()}`;
  const init = (token: string) =>
    ours.output([
      "init",
      "--force",
      `--output=${path}`,
      `--connector-name=${connector}`,
      "--default-from-addr=8110",
      `--http-bind=${bind}`,
      `--amqp-url=${amqpUrl()}`,
      `--auth-token=${token}`,
      `--turn-api-url=${turn.url}`,
    ]);
  const made = await init("mistyped");
  assert.equal(made.code, 0, made.stderr);
  await keepCacheIn(folder, path);

  const wrong = await ours.output(withConfig("check"));
  assert.equal(wrong.code, 1, wrong.stdout);
  const [first = "", ...more] = wrong.stdout.split("✗").slice(1);
  assert.deepEqual(more, [], wrong.stdout);
  assert.match(first, /Turn's token:\s+Turn\s+refuses\s+it[^]*?set auth_token/);

  assert.equal((await init(TOKEN)).code, 0);
  await keepCacheIn(folder, path);
  let right = await ours.output(withConfig("check"));
  // As RabbitMQ may be too busy to answer in time, where others use it too.
  for (let n = 0; n < 3 && right.stdout.includes("no answer within"); n++) {
    right = await ours.output(withConfig("check"));
  }
  assert.equal(right.code, 0, right.stdout);
  assert.ok(!right.stdout.includes("✗"));
  const sentByChecks = turn.calls.filter(({ method }) => method !== "GET");
  assert.deepEqual(sentByChecks, []);

  // Now it carries a message each way, and what became of it.
  await using running = await ours.start(withConfig("run"));
  assert.equal(running.address, `http://${bind}`);
  await until("health", async () => {
    const response = await fetch(`${running.address}/health`);
    return (await response.json()).health === "ok";
  });
  await transport.sendInbound({ message_id: "m1", content: "what I have" });
  await turn.received((calls) => calls.some(({ path }) => path === "/messages"));
  const find = async (query: string) => await ours.output(withConfig("find", query));
  await until("it to be noted", async () => (await find("m1")).stdout.includes("Turn has it"));
  const secret = await secretIn(path);
  const request = { to: USER, turn: { type: "text", text: { body: "Take a rest" } } };
  const answer = await send(`${running.address}/messages`, request, { secret });
  assert.equal(answer.status, 200);
  const { messages: [{ id }] } = await answer.json();
  await transport.received(1);
  const report = { event_type: "delivery_report", delivery_status: "delivered" };
  await transport.sendEvent({ ...report, event_id: "e1", user_message_id: id });
  await turn.received((calls) => calls.some(({ path }) => path === "/statuses"));

  // Somebody calls: what became of it?
  await until("all to be noted", async () => (await find(id)).stdout.includes("the user has it"));
  const byAddress = await find(USER);
  assert.equal(byAddress.code, 0, byAddress.stderr);
  const told = byAddress.stdout.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "(then)")
    .replaceAll(id, "(id)").replaceAll(connector, "(c)");
  assert.equal(
    told,
    `\
Message m1 from ${USER}, connector (c)
  (then)  came from ${USER} to 8110, by smpp_transport (sms)
  (then)  Turn took it
  (then)  Turn answered it with message (id)
  now (times are UTC)  Turn has it

Message (id) to ${USER}, connector (c)
  (then)  message m1 came from the user, which it answers
  (then)  Turn asked for it to be sent to ${USER} from 8110, by smpp_transport (sms)
  (then)  RabbitMQ confirmed it in (c).outbound
  (then)  the transport reported that it was delivered, and Turn was told "delivered" (event e1)
  now (times are UTC)  the user has it, and Turn knows
`,
  );
  assert.equal(await running.stop("SIGTERM"), 0);
  const stopped = await find("m1");
  assert.deepEqual([stopped.code, stopped.stderr], [0, ""]);
});

/** The file's own path for it is relative to where the program is started. */
async function keepCacheIn(folder: string, path: string): Promise<void> {
  const text = await Deno.readTextFile(path);
  assert.match(text, /^ {2}path: .*\.kv/m);
  await Deno.writeTextFile(path, text.replace(/^ {2}path: .*$/m, `  path: ${folder}/cache.kv`));
}

async function secretIn(path: string): Promise<string> {
  const loaded = await loadConfig({ flags: { config: path }, env: {} });
  assert.ok(loaded.kind === "ok");
  return loaded.config.turn_hmac_secret[0] ?? assert.fail();
}
