import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { until } from "../../support/until.ts";
import { amqpAdapter, proxiedBench, sendTo, untilFound, withChannel } from "./support.ts";
import { bench, bytes } from "../bench.ts";

const MANY = 10_000;

/** Empties a queue. */
async function drain(queue: string): Promise<string[]> {
  const texts: string[] = [];
  await withChannel(async (channel) => {
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (!message) return;
      texts.push(message.content.toString());
    }
  });
  return texts;
}

Deno.test(`AmqpBroker.browse() goes through ${MANY} messages, while others come`, async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  const texts = Array.from({ length: MANY }, (_, index) => `${index}`);
  await sendTo(queue, texts);
  let seen = 0;
  await broker.browse(queue, async ({ body }) => {
    if (seen++ === 5000) await broker.publish(queue, bytes("new"));
    const number = Number(Buffer.from(body).toString());
    if (number % 1000 === 1) return { moveTo: parkingQueue, headers: {} };
    return number % 1000 === 2 ? "drop" : "keep";
  });
  assert.equal(seen, MANY);
  const kept = texts.filter((text) => ![1, 2].includes(Number(text) % 1000));
  assert.deepEqual(await drain(queue), [...kept, "new"]);
  assert.deepEqual(await drain(parkingQueue), texts.filter((text) => Number(text) % 1000 === 1));
});

Deno.test("AmqpBroker.browse() moves body and properties unchanged", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  const properties = {
    contentType: "application/json",
    priority: 3,
    correlationId: "c1",
    messageId: "m1",
    timestamp: 1_700_000_000,
    type: "t",
  };
  const headers = { "x-a": 1, time: { "!": "timestamp", value: 1 }, CC: ["elsewhere"] };
  await sendTo(queue, ["é"], { ...properties, deliveryMode: 1, expiration: "60000", headers });
  await broker.browse(queue, (message) => {
    const { "x-a": _, ...others } = message.headers;
    return { moveTo: parkingQueue, headers: { ...others, "x-b": "two" } };
  });
  const moved = await untilFound(parkingQueue);
  assert.equal(moved.content.toString(), "é");
  const { headers: found, ...others } = moved.properties;
  assert.deepEqual(found, {
    time: headers.time,
    "x-b": "two",
    "x-original-cc": ["elsewhere"],
    "x-original-expiration": "60000",
  });
  assert.deepEqual(others, {
    ...properties,
    deliveryMode: 2,
    contentEncoding: undefined,
    replyTo: undefined,
    expiration: undefined,
    userId: undefined,
    appId: undefined,
    clusterId: undefined,
  });
});

Deno.test("AmqpBroker.browse() moves to a declared queue that was deleted", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  await sendTo(queue, ["a", "b"]);
  await withChannel((channel) => channel.deleteQueue(parkingQueue));
  await broker.browse(queue, () => ({ moveTo: parkingQueue, headers: {} }));
  assert.deepEqual(await drain(parkingQueue), ["a", "b"]);
  assert.equal(await broker.depth(queue), 0);
});

Deno.test("AmqpBroker.browse() moves a message whose new headers can't be encoded without them", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  await sendTo(queue, ["a"]);
  const headers = { long: "x".repeat(200_000), none: () => {}, "x-a": 1 };
  await broker.browse(queue, () => ({ moveTo: parkingQueue, headers }));
  const moved = await untilFound(parkingQueue);
  assert.equal(moved.content.toString(), "a");
  assert.deepEqual(moved.properties.headers, {
    "x-a": 1,
    "x-original-lost": "headers.none,headers.long",
  });
});

Deno.test("AmqpBroker.browse() fails when its connection is lost, and leaves the rest", async () => {
  await using made = await proxiedBench();
  const { broker, queue, parkingQueue, proxy } = made;
  await sendTo(queue, ["a", "b", "c"]);
  let seen = 0;
  const browsing = broker.browse(queue, async () => {
    if (++seen === 1) return "drop";
    await broker.depth(queue); // The ack has been sent before.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await proxy.refuse();
    proxy.cut();
    await until("the loss", () => broker.status().state === "connecting");
    await assert.rejects(broker.depth(queue), { name: "PublishError", fault: "unavailable" });
    await proxy.accept();
    await until("the broker to be open", () => broker.status().state === "open");
    // It could be published again, but would be in both queues then.
    return { moveTo: parkingQueue, headers: {} };
  });
  await assert.rejects(browsing, { name: "PublishError", fault: "unavailable" });
  assert.equal(seen, 2);
  assert.equal(await broker.depth(parkingQueue), 0);
  await until("the messages to be back", async () => await broker.depth(queue) === 2);
  assert.deepEqual(await drain(queue), ["b", "c"]);
});

Deno.test("AmqpBroker.browse() and depth() tell what the server refuses", async () => {
  await using made = await bench(amqpAdapter);
  const { broker } = made;
  await withChannel(async (channel) => {
    const { queue } = await channel.assertQueue("", { exclusive: true });
    const fault = { name: "PublishError", fault: "refused", message: /RESOURCE_LOCKED/ };
    await assert.rejects(broker.depth(queue), fault);
    await assert.rejects(broker.browse(queue, () => "drop"), fault);
  });
  assert.equal(broker.status().state, "open");
});
