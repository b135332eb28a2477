/**
 * A quorum queue counts returns, and drops a message that was returned too often: here one more than
 * once is too often.
 */
import assert from "node:assert/strict";
import { until } from "../../support/until.ts";
import { amqpAdapter, proxiedBench, withChannel } from "./support.ts";
import { bench, bytes, DONE, Held } from "../bench.ts";

const QUORUM = {
  durable: true,
  arguments: { "x-queue-type": "quorum", "x-delivery-limit": 1 },
};

async function asQuorum(queue: string): Promise<void> {
  await withChannel(async (channel) => {
    await channel.deleteQueue(queue);
    await channel.assertQueue(queue, QUORUM);
  });
}

Deno.test("AmqpBroker.browse() loses nothing of a quorum queue, and keeps its order, however often", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, parkingQueue } = made;
  await asQuorum(parkingQueue);
  const texts = Array.from({ length: 60 }, (_, index) => `${index}`);
  for (const each of texts) await broker.publish(parkingQueue, bytes(each), { "x-own": each });
  for (let look = 0; look < 25; look++) {
    const seen: string[] = [];
    await broker.browse(parkingQueue, ({ body, headers }) => {
      seen.push(new TextDecoder().decode(body));
      assert.equal(headers["x-own"], seen.at(-1));
      return "keep";
    });
    assert.deepEqual(seen, texts, `look ${look}`);
  }
});

Deno.test("AmqpBroker tells how often a message was returned, and a copy begins anew", async () => {
  await using made = await proxiedBench();
  const { broker, queue, parkingQueue, proxy } = made;
  await asQuorum(queue);
  await broker.publish(queue, bytes("a"));
  const held = new Held();
  broker.consume(queue, { prefetch: 4, parkingQueue }, held.handler);
  for (let round = 0; round < 4; round++) {
    await held.count(1 + 2 * round);
    assert.equal(held.messages[2 * round]?.returns, 0);
    proxy.cut();
    await held.count(2 + 2 * round);
    assert.equal(held.messages[1 + 2 * round]?.returns, 1);
    held.answer(1 + 2 * round, { kind: "again", headers: {} });
  }
  await held.count(9);
  held.answer(8, DONE);
  assert.deepEqual(new Set(held.texts), new Set(["a"]));
  await until("the queue to be empty", async () => await broker.depth(queue) === 0);
});

Deno.test("AmqpBroker returns what is in hand in its order when it is stopped", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  await asQuorum(queue);
  const texts = Array.from({ length: 100 }, (_, index) => `${index}`);
  for (const each of texts) await broker.publish(queue, bytes(each));
  const held = new Held();
  const consumer = broker.consume(queue, { prefetch: 60, parkingQueue }, held.handler);
  await held.count(60);
  const cancelled = consumer.cancel();
  for (let index = 59; index >= 0; index--) held.answer(index, { kind: "requeue" });
  await cancelled;
  await consumer.settled();
  const next = new Held();
  await until("them to be back", async () => await broker.depth(queue) === 100);
  broker.consume(queue, { prefetch: 100, parkingQueue }, next.handler);
  await next.count(100);
  assert.deepEqual(next.texts, texts);
});
