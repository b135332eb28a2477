import assert from "node:assert/strict";
import type { Broker } from "../../src/broker/mod.ts";
import { areQuorum } from "../support/queues.ts";
import { until } from "../support/until.ts";
import { amqpAdapter, proxiedBench, withChannel } from "./amqp_support.ts";
import { bench, bytes, DONE, Held } from "./bench.ts";

async function consumers(queue: string): Promise<number> {
  return await withChannel(async (channel) => (await channel.checkQueue(queue)).consumerCount);
}

function state(broker: Broker, wanted: string): Promise<void> {
  return until(wanted, () => broker.status().state === wanted);
}

Deno.test("AmqpBroker has no consumer at the server while it is paused", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  const held = new Held();
  const consumer = broker.consume(queue, { prefetch: 2, parkingQueue }, held.handler);
  for (const each of ["a", "b", "c"]) await broker.publish(queue, bytes(each));
  await held.count(2);
  await consumer.pause();
  // A quorum queue counts it for as long as it has messages in work.
  assert.equal(await consumers(queue), areQuorum() ? 1 : 0);
  consumer.resume();
  assert.equal(broker.status().state, "open");
  await until("the consumer", async () => await consumers(queue) === 1);
  // What is in work still counts: it has been handed out on the same channel.
  assert.equal(held.messages[0]?.lost.aborted, false);
  held.answer(0, DONE);
  held.answer(1, DONE);
  await held.count(3);
  assert.deepEqual(held.texts, ["a", "b", "c"]);
  assert.equal(held.messages[2]?.redelivered, false);
});

Deno.test("AmqpBroker stays paused across a lost connection", async () => {
  await using made = await proxiedBench();
  const { broker, queue, parkingQueue, proxy } = made;
  const held = new Held();
  const consumer = broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  await broker.publish(queue, bytes("a"));
  await held.count(1);
  await consumer.pause();
  await proxy.refuse();
  proxy.cut();
  await state(broker, "connecting");
  assert.equal(held.messages[0]?.lost.aborted, true);
  await consumer.pause();
  await proxy.accept();
  await state(broker, "open");
  await broker.publish(queue, bytes("b"));
  assert.equal(await consumers(queue), 0);
  assert.equal(await broker.depth(queue), 2);
  assert.deepEqual(held.texts, ["a"]);
  consumer.resume();
  await held.count(3);
  assert.deepEqual(held.texts, ["a", "a", "b"]);
});

Deno.test("AmqpBroker.pause() ends when the connection does", async () => {
  await using made = await proxiedBench();
  const { broker, queue, parkingQueue, proxy } = made;
  const held = new Held();
  const consumer = broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  await broker.publish(queue, bytes("a"));
  await held.count(1);
  proxy.stall();
  const pausing = consumer.pause();
  proxy.cut();
  await pausing;
  proxy.resume();
  await state(broker, "open");
  await consumer.cancel();
});

Deno.test("AmqpBroker makes a queue that was deleted while it was paused again", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, extra } = made;
  const fresh = extra("fresh");
  const held = new Held();
  const options = { prefetch: 9, parkingQueue: made.parkingQueue };
  const consumer = broker.consume(fresh, options, held.handler);
  await until("the queue", async () => await broker.depth(fresh) !== undefined);
  await consumer.pause();
  await withChannel((channel) => channel.deleteQueue(fresh));
  consumer.resume();
  await until("the consumer", async () => await broker.depth(fresh) === 0);
  await broker.publish(fresh, bytes("a"));
  await held.count(1);
  assert.equal(await broker.depth(queue), 0);
});
