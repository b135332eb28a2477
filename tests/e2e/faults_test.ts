import assert from "node:assert/strict";
import { amqpUrl } from "../support/rabbitmq.ts";
import { TestBridge } from "../support/bridge.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";

const REQUEST = { to: "+26612345678", turn: { type: "text", text: { body: "Hello world!" } } };

/** A way to the broker that can be cut. */
function proxied(): { proxy: TcpProxy; url: string } {
  const url = new URL(amqpUrl());
  const proxy = TcpProxy.start({ hostname: url.hostname, port: Number(url.port || 5672) });
  url.host = `127.0.0.1:${proxy.port}`;
  return { proxy, url: url.href };
}

Deno.test("a killed broker connection is survived both ways, without a restart", async () => {
  const { proxy, url } = proxied();
  await using _ = proxy;
  await using bridge = await TestBridge.start({ "amqp-url": url });
  for (let round = 1; round <= 3; round++) {
    await bridge.transport.sendInbound({ message_id: `m${round}` });
    await until(`message ${round}`, () => bridge.turn.calls.length >= round);
    proxy.cut();
    await until("an outbound message", async () => (await bridge.send(REQUEST)).status === 200);
    await bridge.transport.received(round);
    await bridge.consuming();
  }
});

Deno.test("while the broker is away Turn gets 503 with Retry-After, and /health 500", async () => {
  const { proxy, url } = proxied();
  await using _ = proxy;
  await using bridge = await TestBridge.start({ "amqp-url": url });
  await proxy.refuse();
  proxy.cut();
  await until("the loss", async () => (await bridge.request("/health")).status === 500);
  const health = (await bridge.request("/health")).body;
  assert.equal(health.health, "down");
  assert.equal(health.components.amqp.health, "down");
  assert.notEqual(health.components.amqp.state, "open");
  const { status, headers, body } = await bridge.send(REQUEST);
  assert.equal(status, 503);
  assert.match(headers.get("retry-after") ?? "", /^\d+$/);
  assert.equal(body.errors[0].code, 503);
  await until("an outage, in which it is so at once", async () => {
    const begun = performance.now();
    assert.equal((await bridge.send(REQUEST)).status, 503);
    return performance.now() - begun < 2_000;
  });
  await proxy.accept();
  await until("the return", async () => (await bridge.request("/health")).status === 200);
  await until("an outbound message", async () => (await bridge.send(REQUEST)).status === 200);
});

Deno.test("a broker that comes up after us is waited for", async () => {
  const { proxy, url } = proxied();
  await using _ = proxy;
  await proxy.refuse();
  await using bridge = await TestBridge.start({ "amqp-url": url }, false);
  assert.equal((await bridge.request("/health")).status, 500);
  assert.match((await bridge.request("/health")).body.components.amqp.reason, /refused/i);
  const first = bridge.send(REQUEST);
  await bridge.transport.sendInbound();
  await proxy.accept();
  assert.equal((await first).status, 200);
  await bridge.turn.received(1);
  await until("health", async () => (await bridge.request("/health")).status === 200);
  assert.equal((await bridge.send(REQUEST)).status, 200);
});

Deno.test("/health is as every vumi worker has it, and tells of Turn and the cache", async () => {
  await using bridge = await TestBridge.start();
  const ask = async () => (await bridge.request("/health")).body;
  await until("it to speak for the channel", async () => (await ask()).components.amqp.speaks);
  assert.deepEqual(await ask(), {
    health: "ok",
    components: {
      amqp: { health: "ok", state: "open", speaks: true },
      turn: { health: "ok", breaker: "closed", last_success: null },
      cache: { health: "ok", last_failure: null },
    },
  });
});

Deno.test("an .outbound queue that was deleted is made again by the next request", async () => {
  await using bridge = await TestBridge.start();
  await bridge.send(REQUEST);
  await bridge.transport.received(1);
  await bridge.transport.deleteQueue("outbound");
  assert.equal((await bridge.send(REQUEST)).status, 200);
  assert.equal(await bridge.transport.passiveDepth("outbound"), 1);
});

Deno.test("a request that takes longer than request_timeout is a 503", async () => {
  const { proxy, url } = proxied();
  await using _ = proxy;
  await using bridge = await TestBridge.start({ "amqp-url": url, "request-timeout": "0.3" });
  proxy.stall();
  assert.equal((await bridge.send(REQUEST)).status, 503);
  proxy.resume();
});

Deno.test("a POST is answered before Turn hangs up, whatever RabbitMQ does and is configured", async () => {
  const { proxy, url } = proxied();
  await using _ = proxy;
  await using bridge = await TestBridge.start({ "amqp-url": url, "request-timeout": "240" });
  proxy.stall(); // As a server that is frozen, or whose machine is.
  const begun = performance.now();
  const { status, headers } = await bridge.send(REQUEST);
  // 5 s, and time for a slow machine; as configured it would be 240 s.
  assert.ok(performance.now() - begun < 20_000);
  assert.deepEqual([status, headers.get("retry-after")], [503, "5"]);
  proxy.resume();
});

Deno.test("draining finishes the call under way and puts the rest back", async () => {
  await using bridge = await TestBridge.start();
  const { promise: answered, resolve: answer } = Promise.withResolvers<Response>();
  bridge.turn.answer = () => answered;
  for (const message_id of ["m1", "m2", "m3"]) await bridge.transport.sendInbound({ message_id });
  await bridge.turn.received(1);
  const drained = bridge.service.drain(AbortSignal.timeout(60_000));
  answer(Response.json({}));
  await drained;
  await bridge.service[Symbol.asyncDispose]();
  await until("two back in the queue", async () => await bridge.transport.depth("inbound") === 2);
  assert.equal(bridge.turn.calls.length, 1);
  const { content, fields } = await bridge.transport.take("inbound");
  assert.equal(JSON.parse(content.toString()).message_id, "m2");
  assert.equal(fields.redelivered, true);
});

Deno.test("draining answers the requests that came, takes no new ones", async () => {
  await using bridge = await TestBridge.start();
  const sending = bridge.send(REQUEST);
  await bridge.transport.received(1);
  await bridge.service.drain(AbortSignal.timeout(60_000));
  assert.equal((await sending).status, 200);
  await assert.rejects(bridge.send(REQUEST));
});

Deno.test("at the deadline of draining the call under way is left, its message put back", async () => {
  await using bridge = await TestBridge.start({ "mo-message-url-timeout": "3600" });
  bridge.turn.answer = () => "hang";
  await bridge.transport.sendInbound();
  await bridge.turn.received(1);
  await bridge.service.drain(AbortSignal.timeout(100));
  // Before the connection is closed, which would put it back as well.
  await until("the message back", async () => await bridge.transport.depth("inbound") === 1);
});

Deno.test("draining ends at its deadline, whatever is in work", async () => {
  const { proxy, url } = proxied();
  await using _ = proxy;
  await using bridge = await TestBridge.start({ "amqp-url": url });
  bridge.turn.answer = () => "hang";
  await bridge.transport.sendInbound();
  await bridge.turn.received(1);
  proxy.stall();
  const sending = bridge.send(REQUEST);
  await bridge.request("/health"); // Connections are accepted in their order: now that one is too.
  await bridge.service.drain(AbortSignal.timeout(300));
  await bridge.service[Symbol.asyncDispose]();
  assert.equal((await sending).status, 503);
});
