import assert from "node:assert/strict";
import { startLogging } from "../../src/telemetry/mod.ts";
import { TestBridge } from "../support/bridge.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";

const REQUEST = { to: "+26612345678", turn: { type: "text", text: { body: "Hello world!" } } };
const HOUR = "3600";

/** The ids of the messages that Turn was told of, in order. */
function told(bridge: TestBridge): string[] {
  return bridge.turn.calls.map(({ body }) => (body as { message: { id: string } }).message.id);
}

/** Lets Turn fail the first `count` calls about each of these messages. */
function fail(bridge: TestBridge, counts: Record<string, number>): void {
  bridge.turn.answer = ({ body }) => {
    const { id } = (body as { message: { id: string } }).message;
    const left = counts[id] ?? 0;
    counts[id] = left - 1;
    return left > 0 ? new Response("oh no", { status: 500 }) : Response.json({});
  };
}

/** A way to the broker that can be cut. */
function proxied(): { proxy: TcpProxy; url: string } {
  const url = new URL(amqpUrl());
  const proxy = TcpProxy.start({ hostname: url.hostname, port: Number(url.port || 5672) });
  url.host = `127.0.0.1:${proxy.port}`;
  return { proxy, url: url.href };
}

/** What is logged. */
class Logged {
  #text = "";
  readonly #decoder = new TextDecoder();

  readonly output = {
    write: (bytes: Uint8Array): Promise<number> => {
      this.#text += this.#decoder.decode(bytes);
      return Promise.resolve(bytes.length);
    },
    isTerminal: (): boolean => false,
  };

  lines(): readonly string[] {
    return this.#text.split("\n");
  }
}

Deno.test("what fails goes through the delay queues, and in the end is parked as it came", async () => {
  await using bridge = await TestBridge.start({
    "max-retries": "1",
    "retry-schedule": "0.2,0.4",
    "retry-for": "1.5",
  });
  fail(bridge, { m1: Infinity });
  const body = new TextEncoder().encode(JSON.stringify({
    message_id: "m1",
    to_addr: "8110",
    from_addr: "+266",
    transport_name: "t",
    transport_type: "sms",
    content: "höre",
    beyond: "vumi",
  }));
  await bridge.transport.publish("inbound", body, { "x-theirs": "kept" });
  const { content, properties } = await bridge.transport.take("inbound.parked");
  assert.deepEqual(new Uint8Array(content), body);
  const headers = properties.headers ?? {};
  assert.equal(headers["x-theirs"], "kept");
  assert.equal(headers["x-retry-attempts"], bridge.turn.calls.length);
  assert.equal(headers["x-retry-status"], 500);
  assert.equal(headers["x-retry-said"], "oh no");
  assert.ok(Date.now() - Date.parse(headers["x-retry-first-failure"]) > 0);
  assert.match(headers["x-parked-reason"], /^Turn answered 500, after \d+ attempts: oh no$/);
  // Two at once, and at least twice later.
  assert.ok(bridge.turn.calls.length >= 4, `${bridge.turn.calls.length} calls`);
});

Deno.test("a message in a delay queue survives us", async () => {
  const flags = { "max-retries": "0", "retry-schedule": "1,3600" };
  await using bridge = await TestBridge.start(flags);
  fail(bridge, { m1: 1 });
  await bridge.transport.sendInbound({ message_id: "m1" });
  await bridge.counted('{flow="inbound",result="delayed"} 1');
  await bridge.stop();
  await until("the message back", async () => await bridge.transport.depth("inbound") === 1);
  const { content, properties } = await bridge.transport.take("inbound");
  assert.equal(JSON.parse(content.toString()).message_id, "m1");
  assert.equal(properties.headers?.["x-retry-waits"], 1);
});

Deno.test("a user's next messages wait behind the first delay, other users' do not", async () => {
  await using bridge = await TestBridge.start({ "max-retries": "0", "retry-schedule": "2,3600" });
  fail(bridge, { a1: 1 });
  const send = (message_id: string, from_addr: string): Promise<void> =>
    bridge.transport.sendInbound({ message_id, from_addr });
  await send("a1", "+1");
  await bridge.counted('{flow="inbound",result="delayed"} 1');
  for (const id of ["a2", "a3"]) await send(id, "+1");
  await send("b1", "+2");
  await until("all", () => told(bridge).length === 5);
  assert.deepEqual(told(bridge), ["a1", "b1", "a1", "a2", "a3"]);
});

Deno.test("a user's next messages overtake one in a later delay queue", async () => {
  await using bridge = await TestBridge.start({
    "max-retries": "0",
    "retry-schedule": `0.5,${HOUR}`,
  });
  fail(bridge, { a1: Infinity });
  await bridge.transport.sendInbound({ message_id: "a1" });
  await bridge.counted('{flow="inbound",result="delayed"} 1');
  // Only when another comes through it is sure that it is not Turn that fails.
  await bridge.transport.sendInbound({ message_id: "b1", from_addr: "+2" });
  await bridge.counted('{flow="inbound",result="delayed"} 2');
  await bridge.transport.sendInbound({ message_id: "a2" });
  await until("the second", () => told(bridge).includes("a2"));
  assert.deepEqual(told(bridge).filter((id) => id !== "a1"), ["b1", "a2"]);
});

Deno.test("a 429 is waited out, however often it comes; nothing is parked for it", async () => {
  await using bridge = await TestBridge.start({ "max-retries": "0", "retry-for": "0" });
  let calls = 0;
  bridge.turn.answer = () =>
    ++calls <= 3
      ? new Response("Rate limit hit for bucket text", { status: 429 })
      : Response.json({});
  await bridge.transport.sendInbound({ message_id: "m1" });
  await bridge.counted('{flow="inbound",result="delivered"} 1');
  assert.deepEqual(told(bridge), ["m1", "m1", "m1", "m1"]);
  assert.equal(await bridge.transport.depth("inbound.parked"), 0);
});

Deno.test("a Turn that is down keeps messages in their queue, in order, their retries unspent", async () => {
  const logged = new Logged();
  await using _logging = startLogging({ level: "WARNING", output: logged.output });
  await using bridge = await TestBridge.start({ "max-retries": "5", "retry-for": "0" });
  // Our token is wrong: no fault of a message's.
  bridge.turn.answer = () => new Response(null, { status: 401 });
  const ids = ["m1", "m2", "m3", "m4"];
  for (const message_id of ids) await bridge.transport.sendInbound({ message_id });
  await until("the breaker", async () => {
    return (await bridge.request("/health")).body.components.turn.breaker !== "closed";
  });
  const { status, body } = await bridge.request("/health");
  assert.equal(status, 200);
  assert.equal(body.health, "ok");
  assert.equal(body.components.turn.health, "degraded");
  assert.equal(body.components.turn.last_success, null);
  // They are in hand: to return them would count, in a quorum queue.
  assert.equal(await bridge.transport.depth("inbound"), 0);
  // Requests of Turn's are taken all the same.
  assert.equal((await bridge.send(REQUEST)).status, 200);
  const vain = bridge.turn.calls.length;
  bridge.turn.answer = () => Response.json({});
  await bridge.counted('{flow="inbound",result="delivered"} 4');
  assert.deepEqual(told(bridge).slice(-4), ids);
  assert.ok(bridge.turn.calls.length <= vain + 6);
  assert.equal(await bridge.transport.depth("inbound.parked"), 0);
  const { turn } = (await bridge.request("/health")).body.components;
  assert.equal(turn.health, "ok");
  assert.equal(turn.breaker, "closed");
  assert.ok(Date.now() - Date.parse(turn.last_success) < 600_000);
  const changes = () => logged.lines().filter((line) => /Turn (is down|works again)/.test(line));
  await until("the end in the log", () => changes().length >= 2);
  assert.deepEqual(changes().map((line) => /Turn (is down|works again)/.exec(line)?.[1]), [
    "is down",
    "works again",
  ]);
});

Deno.test("what comes again after a lost ack is acked, and not told twice", async () => {
  const { proxy, url } = proxied();
  await using _ = proxy;
  await using bridge = await TestBridge.start({ "amqp-url": url });
  const { promise: answered, resolve: answer } = Promise.withResolvers<Response>();
  bridge.turn.answer = () => answered;
  await bridge.transport.sendInbound({ message_id: "m1" });
  await bridge.turn.received(1);
  proxy.cut();
  await bridge.consuming();
  answer(Response.json({}));
  await bridge.counted('{flow="inbound",result="duplicate"} 1');
  await bridge.stop();
  assert.equal(await bridge.transport.depth("inbound"), 0);
  assert.deepEqual(told(bridge), ["m1"]);
});

Deno.test("outbound_dedupe_window: a request that was published too late to be answered is not sent twice", async () => {
  const { proxy, url } = proxied();
  await using _ = proxy;
  await using bridge = await TestBridge.start({
    "amqp-url": url,
    "request-timeout": "1",
    "outbound-dedupe-window": "60",
  });
  proxy.stall();
  assert.equal((await bridge.send(REQUEST)).status, 503);
  proxy.resume();
  const [first = assert.fail()] = await bridge.transport.received(1);
  const again = await bridge.send(REQUEST);
  assert.equal(again.status, 200);
  assert.deepEqual(again.body, { messages: [{ id: first.message["message_id"] }] });
  // That was answered, so an equal one is another message.
  assert.notDeepEqual((await bridge.send(REQUEST)).body, again.body);
  assert.equal((await bridge.transport.received(2)).length, 2);
});
