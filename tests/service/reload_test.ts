/**
 * SIGHUP: what changes while the program runs, and that nothing does when there is a fault.
 *
 * @module
 */

import assert from "node:assert/strict";
import { RELOADED } from "../../src/service/reload.ts";
import { changedKeys, configKeys } from "../../src/config/mod.ts";
import { FakeTurn, send } from "../support/fake_turn.ts";
import { TestBridge, testConfig } from "../support/bridge.ts";
import { Program, type Running } from "../support/program.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { Transport } from "../support/transport.ts";
import { until } from "../support/until.ts";

const BODY = { to: "+26612345678", turn: { type: "text", text: { body: "Hi" } } };

/** A program that runs on a configuration file, which can be changed. */
class Reloading implements AsyncDisposable {
  private constructor(
    readonly running: Running,
    readonly path: string,
    readonly base: Readonly<Record<string, unknown>>,
  ) {}

  static async start(base: Readonly<Record<string, unknown>>): Promise<Reloading> {
    const path = await Deno.makeTempFile({ suffix: ".json" });
    await Deno.writeTextFile(path, JSON.stringify(base));
    return new Reloading(await Program.fromSource().start([`--config=${path}`]), path, base);
  }

  /** Changes the file, and waits until the program has said that it knows, in lines with `said`. */
  async change(changes: Readonly<Record<string, unknown>>, said: string): Promise<string[]> {
    const before = this.running.stderr().length;
    await Deno.writeTextFile(this.path, JSON.stringify({ ...this.base, ...changes }));
    this.running.signal("SIGHUP");
    const since = (): string => this.running.stderr().slice(before);
    const isSaid = (): boolean => since().endsWith("\n") && since().includes(said);
    await until(said, () => Promise.resolve(isSaid()));
    return since().trimEnd().split("\n").filter((line) => line.includes("turn-channels.cli"));
  }

  /** The status of a request that is signed so. */
  async post(secret: string, text = "Hi", path = ""): Promise<number> {
    const body = { ...BODY, turn: { type: "text", text: { body: text } } };
    const response = await send(`${this.running.address}${path}/messages`, body, { secret });
    await response.body?.cancel();
    return response.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running[Symbol.asyncDispose]();
    await Deno.remove(this.path);
  }
}

function baseOf(connector: string, turnUrl: string): Record<string, unknown> {
  return {
    connector_name: connector,
    http_bind: "127.0.0.1:0",
    turn_api_url: turnUrl,
    auth_token: "old-token",
    turn_hmac_secret: "old-secret",
    default_from_addr: "8110",
    amqp_url: "memory:",
  };
}

Deno.test("SIGHUP takes on new secrets and limits, and says what changed", async () => {
  await using turn = FakeTurn.start({ authToken: "new-token" });
  const connector = `test-${crypto.randomUUID()}`;
  await using transport = await Transport.connect(connector);
  await using program = await Reloading.start({
    ...baseOf(connector, turn.url),
    amqp_url: amqpUrl(),
  });
  const [line = ""] = await program.change({
    auth_token: "new-token",
    turn_hmac_secret: ["new-secret", "old-secret"],
    max_body_bytes: 300,
  }, "reloaded");
  assert.deepEqual(JSON.parse(line).changed, ["turn_hmac_secret", "max_body_bytes", "auth_token"]);
  await until("publishing", async () => await program.post("new-secret") === 200);
  assert.equal(await program.post("old-secret"), 200);
  assert.equal(await program.post("new-secret", "x".repeat(300)), 413);
  await transport.sendInbound({ message_id: "m1" });
  const [call = assert.fail()] = await turn.received(1);
  assert.equal(call.headers.get("authorization"), "Bearer new-token");
  await program.change({ turn_hmac_secret: "new-secret" }, "reloaded");
  assert.equal(await program.post("old-secret"), 401);
  assert.equal(await program.running.stop("SIGTERM"), 0);
  assert.doesNotMatch(program.running.stderr(), /(old|new)-(secret|token)/);
});

Deno.test("SIGHUP with a fault anywhere changes nothing, and names the faults", async () => {
  await using program = await Reloading.start(baseOf("c", "http://127.0.0.1:9"));
  const [line = ""] = await program.change({
    turn_hmac_secret: "new-secret",
    max_body_bytes: 1,
    amqp: { port: 0 },
    auth_token: "Bearer new-token",
  }, "not reloaded");
  const { level, faults } = JSON.parse(line);
  assert.equal(level, "ERROR");
  assert.deepEqual(faults.map((fault: string) => fault.split(" ")[0]), ["auth_token", "amqp.port"]);
  assert.equal(await program.post("old-secret"), 200);
  assert.equal(await program.post("new-secret"), 401);
  assert.doesNotMatch(program.running.stderr(), /(old|new)-(secret|token)/);
});

Deno.test("SIGHUP names what is in force only after a restart, until it is as it was", async () => {
  await using program = await Reloading.start(baseOf("c", "http://127.0.0.1:9"));
  const changes = { connector_name: "d", amqp: { password: "p" }, log_level: "WARNING" };
  const lines = await program.change(changes, "restart");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ changed, waiting }) => changed ?? waiting),
    [
      ["log_level"],
      ["connector_name", "amqp.password"],
    ],
  );
  assert.equal(await program.post("old-secret"), 200);
  // At WARNING nothing is said of what was done; the level is back, and this is all there is to say.
  const back = await program.change({}, "reloaded");
  assert.deepEqual(back.map((line) => JSON.parse(line).changed), [["log_level"]]);
});

Deno.test("SIGHUP changes one of several channels, and says which", async () => {
  const base = baseOf("c", "http://127.0.0.1:9");
  const channels = (turn_hmac_secret: string) => [
    { connector_name: "a", vumi_api_path: "/a" },
    { connector_name: "b", vumi_api_path: "/b", turn_hmac_secret },
  ];
  await using program = await Reloading.start({ ...base, channels: channels("old-secret") });
  const lines = await program.change({ channels: channels("new-secret") }, "reloaded");
  const told = lines.map((line) => JSON.parse(line)).map((
    { changed, waiting },
  ) => [changed, waiting]);
  assert.deepEqual(told, [[["channels[1].turn_hmac_secret"], undefined]]);
  assert.equal(await program.post("new-secret", "Hi", "/b"), 200);
  assert.equal(await program.post("new-secret", "Hi", "/a"), 401);
  assert.equal(await program.post("old-secret", "Hi", "/a"), 200);
});

Deno.test("Service.reload() changes how long Turn is waited for", async () => {
  await using bridge = await TestBridge.start({ "mo-message-url-timeout": "3600" });
  const short = { "mo-message-url-timeout": "0.2", "event-url-timeout": "0.2" };
  bridge.service.reload(await testConfig(bridge.connector, bridge.turn.url, short));
  bridge.turn.answer = () => bridge.turn.calls.length === 1 ? "hang" : new Response();
  await bridge.transport.sendInbound({ message_id: "m1" });
  await bridge.turn.received(2);
});

Deno.test("Service.reload() changes how often Turn is called at once", async () => {
  const never = { "retry-schedule": "3600" };
  await using bridge = await TestBridge.start({ ...never, "max-retries": "0" });
  const often = { ...never, "max-retries": "2" };
  bridge.service.reload(await testConfig(bridge.connector, bridge.turn.url, often));
  bridge.turn.answer = () =>
    new Response("", { status: bridge.turn.calls.length === 1 ? 500 : 200 });
  await bridge.transport.sendInbound({ message_id: "m1" });
  await bridge.turn.received(2);
});

Deno.test("Service.reload() changes what Turn is told when somebody dials, and in which form by whom", async () => {
  await using bridge = await TestBridge.start({ "ussd-start-text": "hi" });
  const dialled = { transport_type: "ussd", session_event: "new", content: "*120#" };
  await bridge.transport.sendInbound({ ...dialled, message_id: "m1", from_addr: "26612345678" });
  await bridge.turn.received(1);
  const changed = { "ussd-start-texts": '{"*120#": "register"}', "contact-ids": "e164" };
  bridge.service.reload(await testConfig(bridge.connector, bridge.turn.url, changed));
  await bridge.transport.sendInbound({ ...dialled, message_id: "m2", from_addr: "26612345679" });
  const told = (await bridge.turn.received(2)).map(({ body }) => JSON.stringify(body));
  assert.match(told[0] ?? "", /"hi"/);
  assert.doesNotMatch(told[0] ?? "", /\+266/);
  assert.match(told[1] ?? "", /"register"/);
  assert.match(told[1] ?? "", /"\+26612345679"/);
});

Deno.test("changedKeys() names keys by their paths, groups, lists and what is not set too", async () => {
  const before = await testConfig("c", "http://127.0.0.1:9");
  assert.deepEqual(changedKeys(before, before), []);
  const after = await testConfig("c", "http://127.0.0.1:9", {
    "amqp-port": "1",
    "turn-hmac-secret": "x",
    "empty-message-body": "x",
    "http-bind": "127.0.0.1:1",
  });
  assert.deepEqual(changedKeys(before, after), [
    "empty_message_body",
    "http_bind",
    "turn_hmac_secret",
    "amqp.port",
  ]);
});

Deno.test("what is reloaded are keys of the configuration", () => {
  const paths = new Set(configKeys.map(({ path }) => path));
  for (const key of RELOADED) assert.ok(paths.has(key), key);
});
