import assert from "node:assert/strict";
import { type Broker, PublishError } from "../../../src/broker/mod.ts";
import { until } from "../../support/until.ts";
import {
  amqpAdapter,
  openThrough,
  openWithExchange,
  proxiedBench,
  startProxy,
  untilFound,
  withChannel,
} from "./support.ts";
import { bench, bytes, DONE, Held, text } from "../bench.ts";

/** Publishes until it is confirmed. */
async function publishAtLast(broker: Broker, queue: string, body: string): Promise<void> {
  await until(
    `${body} to be published`,
    () =>
      broker.publish(queue, bytes(body)).then(() => true, (error) => {
        assert.ok(error instanceof PublishError);
        return false;
      }),
  );
}

function open(broker: Broker): Promise<void> {
  return until("the broker to be open", () => broker.status().state === "open");
}

/** Fails if closing takes longer than anyone would wait. */
async function closes(broker: Broker): Promise<void> {
  const began = performance.now();
  await broker[Symbol.asyncDispose]();
  assert.ok(performance.now() - began < 15_000, "closing took too long");
  assert.equal(broker.status().state, "closed");
}

Deno.test("AmqpBroker survives killed connections, publishing and consuming", async () => {
  await using made = await proxiedBench();
  const { broker, queue, parkingQueue, proxy } = made;
  const received = new Set<string>();
  broker.consume(queue, { prefetch: 5, parkingQueue }, (message) => {
    received.add(text(message));
    return Promise.resolve(DONE);
  });
  const wanted = Array.from({ length: 60 }, (_, index) => `${index}`);
  for (const [index, body] of wanted.entries()) {
    if (index % 20 === 10) proxy.cut();
    await publishAtLast(broker, queue, body);
  }
  await until("all messages", () => received.size === wanted.length);
});

Deno.test("AmqpBroker connects when the server comes up after it", async () => {
  await using proxy = startProxy();
  await proxy.refuse();
  await using broker = openThrough(proxy);
  assert.equal(broker.status().state, "connecting");
  await assert.rejects(broker.publish("any", bytes("a")), { fault: "unavailable" });
  await proxy.accept();
  await open(broker);
});

Deno.test("AmqpBroker closes while it waits for a silent server to connect", async () => {
  await using proxy = startProxy();
  proxy.stall();
  const broker = openThrough(proxy);
  await until("both attempts", () => proxy.sockets === 4);
  await closes(broker);
});

Deno.test("AmqpBroker.publish() fails at once while there is no connection", async () => {
  await using made = await proxiedBench();
  const { broker, queue, proxy } = made;
  await proxy.refuse();
  proxy.cut();
  await until("the loss to be seen", () => broker.status().state === "connecting");
  await assert.rejects(broker.publish(queue, bytes("a")), { fault: "unavailable" });
  await proxy.accept();
  await open(broker);
  await broker.publish(queue, bytes("a"));
});

Deno.test("AmqpBroker.publish() is unconfirmed when the connection dies before the confirm", async () => {
  await using made = await proxiedBench();
  const { broker, queue, proxy } = made;
  await broker.publish(queue, bytes("before"));
  proxy.stall();
  const publishing = broker.publish(queue, bytes("a"));
  proxy.cut();
  await assert.rejects(publishing, { fault: "unconfirmed" });
  proxy.resume();
});

Deno.test("AmqpBroker.publish() is unconfirmed when the broker is closed before the confirm", async () => {
  await using made = await proxiedBench();
  const { broker, queue, proxy } = made;
  await broker.publish(queue, bytes("before"));
  proxy.stall();
  const publishing = assert.rejects(broker.publish(queue, bytes("a")), { fault: "unconfirmed" });
  await closes(broker);
  await publishing;
});

Deno.test("AmqpBroker.publish() to a deleted queue makes it again", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  await withChannel((channel) => channel.deleteQueue(queue));
  await broker.publish(queue, bytes("b"));
  const held = new Held();
  broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  await held.count(1);
  assert.deepEqual(held.texts, ["b"]);
});

/** A message that came, and came again because the connection was cut. */
async function heldTwice(
  { broker, queue, parkingQueue, proxy }: Awaited<ReturnType<typeof proxiedBench>>,
): Promise<Held> {
  const held = new Held();
  broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  await broker.publish(queue, bytes("a"));
  await held.count(1);
  proxy.cut();
  await held.count(2);
  return held;
}

Deno.test("AmqpBroker answers on the channel a message came on, or not at all", async () => {
  await using made = await proxiedBench();
  const { broker, queue } = made;
  const held = await heldTwice(made);
  const [first, second] = held.messages;
  assert.deepEqual(held.texts, ["a", "a"]);
  assert.deepEqual([first?.redelivered, second?.redelivered], [false, true]);
  assert.deepEqual([first?.lost.aborted, second?.lost.aborted], [true, false]);
  // On the new channel the old delivery's number is the new one's too: an ack would end that.
  held.answer(0, DONE);
  await publishAtLast(broker, queue, "b");
  await held.count(3);
  await broker[Symbol.asyncDispose]();
  const left = await untilFound(queue);
  assert.equal(left.content.toString(), "a");
});

Deno.test("AmqpBroker parks nothing for a message whose channel is gone", async () => {
  await using made = await proxiedBench();
  const { broker, queue, parkingQueue } = made;
  const held = await heldTwice(made);
  held.answer(0, { kind: "park", reason: "too late" });
  held.answer(1, { kind: "park", reason: "in time" });
  const parked = new Held();
  broker.consume(parkingQueue, { prefetch: 9, parkingQueue: queue }, parked.handler);
  await parked.count(1);
  assert.deepEqual(parked.messages.map(({ headers }) => headers["x-parked-reason"]), ["in time"]);
});

Deno.test("AmqpBroker consumes a deleted queue again, on the same connection", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, extra } = made;
  const parkingQueue = made.parkingQueue;
  const other = extra("other");
  const [deleted, kept] = [new Held(), new Held()];
  broker.consume(queue, { prefetch: 9, parkingQueue }, deleted.handler);
  broker.consume(other, { prefetch: 9, parkingQueue }, kept.handler);
  broker.declare(other);
  await publishAtLast(broker, other, "kept");
  await kept.count(1);
  await withChannel((channel) => channel.deleteQueue(queue));
  await publishAtLast(broker, queue, "after");
  await deleted.count(1);
  assert.deepEqual(deleted.texts, ["after"]);
  assert.equal(kept.messages[0]?.lost.aborted, false);
});

Deno.test("AmqpBroker declares a deleted exchange again", async () => {
  const exchange = `test.${crypto.randomUUID()}`;
  await using made = await bench(amqpAdapter, () => openWithExchange(exchange));
  const { broker, queue } = made;
  await broker.publish(queue, bytes("a"));
  await withChannel((channel) => channel.deleteExchange(exchange));
  await assert.rejects(broker.publish(queue, bytes("b")), { fault: "unconfirmed" });
  await publishAtLast(broker, queue, "c");
  await withChannel((channel) => channel.deleteExchange(exchange));
});

Deno.test("AmqpBroker keeps a message until it is parked, also when the parking queue is gone", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  const held = new Held();
  broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  await broker.publish(queue, bytes("a"));
  await held.count(1);
  await withChannel((channel) => channel.deleteQueue(parkingQueue));
  held.answer(0, { kind: "park", reason: "bad" });
  const parked = await untilFound(parkingQueue);
  assert.equal(parked.content.toString(), "a");
});

Deno.test("AmqpBroker closes while it can't connect", async () => {
  await using proxy = startProxy();
  await proxy.refuse();
  const broker = openThrough(proxy);
  const consumer = broker.consume("any", { prefetch: 1, parkingQueue: "any" }, new Held().handler);
  await consumer.cancel();
  broker.consume("any", { prefetch: 1, parkingQueue: "any" }, new Held().handler);
  await closes(broker);
});

Deno.test("AmqpBroker closes while the server is silent", async () => {
  await using made = await proxiedBench();
  const held = new Held();
  made.broker.consume(made.queue, { prefetch: 1, parkingQueue: made.parkingQueue }, held.handler);
  await made.broker.publish(made.queue, bytes("a"));
  await held.count(1);
  made.proxy.stall();
  await closes(made.broker);
  held.answer(0, DONE);
});
