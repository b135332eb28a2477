import assert from "node:assert/strict";
import { AmqpBroker } from "../../../src/broker/rabbitmq/rabbitmq_broker.ts";
import { amqpUrl } from "../../support/rabbitmq.ts";
import { DELAYS, openThrough, startProxy } from "./support.ts";

const GENEROUS_MS = 60_000;

Deno.test("AmqpBroker.ready() resolves when queues can be looked at", async () => {
  await using broker = AmqpBroker.open({ urls: [amqpUrl()], exchange: "vumi", ...DELAYS });
  await broker.ready(GENEROUS_MS);
  assert.equal(broker.status().state, "open");
  assert.equal(await broker.depth(`test.${crypto.randomUUID()}`), undefined);
  await broker.ready(0);
});

Deno.test("AmqpBroker.ready() waits for a server that comes up late", async () => {
  await using proxy = startProxy();
  await proxy.refuse();
  await using broker = openThrough(proxy);
  const ready = broker.ready(GENEROUS_MS);
  await assert.rejects(broker.ready(50), { name: "PublishError", fault: "unavailable" });
  await proxy.accept();
  await ready;
});

Deno.test("AmqpBroker.ready() tells why there is no connection", async () => {
  await using proxy = startProxy();
  await proxy.refuse();
  await using broker = openThrough(proxy);
  await assert.rejects(broker.ready(300), {
    name: "PublishError",
    fault: "unavailable",
    message: new RegExp(`^Cannot connect to RabbitMQ at 127.0.0.1:${proxy.port}: .*refused`, "i"),
  });
});

Deno.test("AmqpBroker.ready() tells that the server is silent", async () => {
  await using proxy = startProxy();
  proxy.stall();
  await using broker = openThrough(proxy);
  await assert.rejects(broker.ready(300), { message: /: no answer within 0.3 seconds$/ });
});

Deno.test("AmqpBroker.ready() rejects at once when the password is wrong, without telling it", async () => {
  const url = new URL(amqpUrl());
  url.password = "s3cret";
  await using broker = AmqpBroker.open({ urls: [url.href], exchange: "vumi", ...DELAYS });
  // Were it to wait, the test would never end.
  await assert.rejects(broker.ready(2 ** 31 - 1), (error) => {
    assert.ok(error instanceof Error);
    assert.match(error.message, /: RabbitMQ refused the user or the password$/);
    assert.doesNotMatch(`${error.stack}`, /s3cret/);
    return true;
  });
});

Deno.test("AmqpBroker.ready() rejects when the broker is closed", async () => {
  await using proxy = startProxy();
  proxy.stall();
  await using broker = openThrough(proxy);
  const ready = assert.rejects(broker.ready(2 ** 31 - 1), { fault: "unavailable" });
  await broker[Symbol.asyncDispose]();
  await ready;
  await assert.rejects(broker.ready(2 ** 31 - 1), { fault: "unavailable" });
});
