/**
 * A fault of one queue is felt by that queue only: the others, and all channels of the program, go on.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { delayQueue } from "../../../src/broker/mod.ts";
import { AmqpBroker } from "../../../src/broker/rabbitmq/rabbitmq_broker.ts";
import { amqpUrl } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import { amqpAdapter, DELAYS, openWithExchange, untilFound, withChannel } from "./support.ts";
import { bench, bytes, DONE, Held } from "../bench.ts";

const PARK = { kind: "park", reason: "bad" } as const;

/** A new queue that a bridge can neither declare nor publish to, until it is let go. */
async function lockedQueue(queue: string): Promise<AsyncDisposable> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: locked, resolve: lock } = Promise.withResolvers<void>();
  const holding = withChannel(async (channel) => {
    await channel.assertQueue(queue, { exclusive: true, durable: false });
    lock();
    await released;
  });
  await Promise.race([locked, holding]);
  return {
    async [Symbol.asyncDispose]() {
      release();
      await holding;
    },
  };
}

Deno.test("AmqpBroker parks what it can, while others' parking queue can't be declared", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, extra } = made;
  const [parkingQueue, other] = [extra("locked"), extra("other")];
  const otherParking = extra("other.parked");
  broker.declare(other);
  const [stuck, free] = [new Held(), new Held()];
  {
    await using _locked = await lockedQueue(parkingQueue);
    broker.consume(queue, { prefetch: 4, parkingQueue }, stuck.handler);
    broker.consume(other, { prefetch: 4, parkingQueue: otherParking }, free.handler);
    await broker.publish(queue, bytes("to park"));
    await broker.publish(other, bytes("to park, too"));
    await stuck.count(1);
    await free.count(1);
    stuck.answer(0, PARK);
    free.answer(0, PARK);
    assert.equal((await untilFound(otherParking)).content.toString(), "to park, too");
    await until("the fault to be told", () => broker.status().faults.has(parkingQueue));
    assert.match(broker.status().faults.get(parkingQueue) ?? "", /RESOURCE_LOCKED/);
    assert.equal(broker.status().state, "open");
    // Outbound has nothing to do with it.
    await broker.publish(other, bytes("more"));
  }
  assert.equal((await untilFound(parkingQueue)).content.toString(), "to park");
  await until("the end of the fault", () => broker.status().faults.size === 0);
});

Deno.test("AmqpBroker takes other messages in place of those that can't be parked", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, extra } = made;
  const parkingQueue = extra("locked");
  const held = new Held();
  {
    await using _locked = await lockedQueue(parkingQueue);
    broker.consume(queue, { prefetch: 4, parkingQueue }, held.handler);
    const texts = Array.from({ length: 30 }, (_, index) => `${index}`);
    for (const each of texts) await broker.publish(queue, bytes(each));
    for (const index of texts.keys()) {
      await held.count(index + 1);
      held.answer(index, index < 20 ? PARK : DONE);
    }
    assert.deepEqual(held.texts, texts);
    assert.ok(held.messages.every(({ lost, redelivered }) => !lost.aborted && !redelivered));
  }
  await until("all to be parked", async () => await broker.depth(parkingQueue) === 20);
});

Deno.test("AmqpBroker publishes although a queue for delays can't be made", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue, extra } = made;
  const delayMs = made.longDelayMs();
  const other = extra("other");
  broker.declare(other);
  await withChannel((channel) =>
    channel.assertExchange(delayQueue(delayMs), "direct", { durable: true })
  );
  const held = new Held();
  broker.consume(queue, { prefetch: 4, parkingQueue }, held.handler);
  await broker.publish(queue, bytes("a"));
  await held.count(1);
  held.answer(0, { kind: "later", delayMs, headers: {} });
  await until("the fault", () => broker.status().faults.has(delayQueue(delayMs)));
  await broker.publish(other, bytes("b"));
  await withChannel((channel) => channel.deleteExchange(delayQueue(delayMs)));
  await until("it to be delayed", async () => await broker.depth(delayQueue(delayMs)) === 1);
  await until("the end of the fault", () => broker.status().faults.size === 0);
});

Deno.test("what is delayed or parked gets there, and back, without the exchange's bindings", async () => {
  const exchange = `test.${crypto.randomUUID()}`;
  await using made = await bench(amqpAdapter, () => openWithExchange(exchange));
  const { broker, queue, parkingQueue } = made;
  const held = new Held();
  broker.consume(queue, { prefetch: 4, parkingQueue }, held.handler);
  for (const each of ["a", "b"]) await broker.publish(queue, bytes(each));
  await held.count(2);
  await withChannel((channel) => channel.deleteExchange(exchange));
  held.answer(0, { kind: "later", delayMs: 300, headers: {} });
  held.answer(1, PARK);
  assert.equal((await untilFound(parkingQueue)).content.toString(), "b");
  await held.count(3);
  assert.equal(held.texts[2], "a");
});

Deno.test("AmqpBroker binds its queues again when the exchange was made anew without them", async () => {
  const exchange = `test.${crypto.randomUUID()}`;
  const open = () => AmqpBroker.open({ urls: [amqpUrl()], exchange, ...DELAYS, bindEveryMs: 200 });
  await using made = await bench(amqpAdapter, open);
  const { broker, queue, parkingQueue } = made;
  const held = new Held();
  // On a slow machine several of each are on their way before one is seen.
  broker.consume(queue, { prefetch: 1_000, parkingQueue }, held.handler);
  await until("the consumer", () => broker.status().state === "open");
  const arrives = async (text: string): Promise<void> => {
    await until(`${text} to arrive`, async () => {
      await withChannel(async (channel) => {
        channel.on("error", () => {}); // While there is no exchange.
        channel.publish(exchange, queue, Buffer.from(text));
        await channel.checkQueue(queue);
      }).catch(() => {});
      return held.texts.includes(text);
    });
  };
  await withChannel((channel) => channel.unbindQueue(queue, exchange, queue));
  await arrives("after the binding was removed");
  await withChannel((channel) => channel.deleteExchange(exchange));
  await arrives("after the exchange was deleted");
  assert.equal(held.messages[0]?.lost.aborted, false);
  await withChannel((channel) => channel.deleteExchange(exchange));
});
