/**
 * What is in hand, or on its way to us, when a consumer ends goes back to its place: also in a quorum
 * queue, which puts what is on its way to a cancelled consumer to its end (3.10), or before the rest.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Broker, ConsumeOptions, Disposition, Handler } from "../../../src/broker/mod.ts";
import { until } from "../../support/until.ts";
import { bench, DONE, Held, text } from "../bench.ts";
import { amqpAdapter, sendTo, withChannel } from "./support.ts";

const QUORUM = { durable: true, arguments: { "x-queue-type": "quorum" } };
const BACK: Disposition = { kind: "requeue" };
const PARK: Disposition = { kind: "park", reason: "bad" };

Deno.test("AmqpBroker gives back in order what it is handed just as it stops, 10 times", async () => {
  await using made = await bench(amqpAdapter);
  const [queue, parkingQueue] = [made.extra("quorum"), made.extra("quorum.parked")];
  await withChannel((channel) => channel.assertQueue(queue, QUORUM));
  const texts = Array.from({ length: 1000 }, (_, n) => `${n}`);
  await sendTo(queue, texts, { persistent: true });
  const done: string[] = [];
  for (let round = 1; round <= 10; round++) {
    await using broker = amqpAdapter.open();
    const enough = Promise.withResolvers<void>();
    let isStopping = false;
    const wanted = done.length + 50;
    const consumer = broker.consume(queue, { prefetch: 20, parkingQueue }, async (message) => {
      await delay(3);
      if (isStopping) return BACK;
      done.push(text(message));
      if (done.length === wanted) enough.resolve();
      return DONE;
    });
    await enough.promise;
    isStopping = true;
    await consumer.cancel();
    await consumer.settled();
    await until("all to be back", async () => {
      const { messageCount, consumerCount } = await withChannel((channel) =>
        channel.checkQueue(queue)
      );
      return consumerCount === 0 && messageCount === texts.length - done.length;
    });
  }
  assert.deepEqual(done, texts.slice(0, done.length));
});

Deno.test("AmqpBroker keeps the order while it makes room for what can't be parked", async () => {
  await using made = await bench(amqpAdapter);
  const [queue, parkingQueue] = [made.extra("quorum"), made.extra("full")];
  await withChannel(async (channel) => {
    await channel.assertQueue(queue, QUORUM);
    const limits = { "x-max-length": 0, "x-overflow": "reject-publish" };
    await channel.assertQueue(parkingQueue, { durable: true, arguments: limits });
  });
  const texts = Array.from({ length: 600 }, (_, n) => `${n}`);
  await sendTo(queue, texts, { persistent: true });
  const come: string[] = [];
  const handler: Handler = async (message) => {
    const count = come.push(text(message));
    await delay(count % 5);
    return count % 4 === 0 ? PARK : DONE;
  };
  made.broker.consume(queue, { prefetch: 10, parkingQueue }, handler);
  await until("all to have come", () => come.length >= texts.length);
  assert.deepEqual(come, texts);
});

/** Takes two messages off a queue as another program does, until it is let go. */
async function other(queue: string): Promise<AsyncDisposable> {
  const taken = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const holding = withChannel(async (channel) => {
    await channel.prefetch(2);
    let count = 0;
    await channel.consume(queue, () => void (++count === 2 && taken.resolve()));
    await released.promise;
  });
  await Promise.race([taken.promise, holding]);
  return {
    async [Symbol.asyncDispose]() {
      released.resolve();
      await holding;
    },
  };
}

function leadOf(broker: Broker, queue: string, options: ConsumeOptions) {
  const began = Promise.withResolvers<void>();
  const held = new Held();
  const lead = { connector: "x", queue: `${queue}.lead`, onLead: () => began.resolve() };
  broker.consume(queue, { ...options, lead }, held.handler);
  return { held, began: began.promise };
}

for (const type of ["classic", "quorum"]) {
  Deno.test(`AmqpBroker begins when what another had in hand is back: ${type}`, async () => {
    await using made = await bench(amqpAdapter);
    const queue = made.extra(type);
    made.extra(`${type}.lead`);
    const { broker, parkingQueue } = made;
    const args = { durable: true, arguments: { "x-queue-type": type } };
    await withChannel((channel) => channel.assertQueue(queue, args));
    await sendTo(queue, ["a", "b", "c", "d"]);
    let leading: ReturnType<typeof leadOf>;
    {
      await using _other = await other(queue);
      leading = leadOf(broker, queue, { prefetch: 4, parkingQueue });
      await leading.began;
      await delay(1_000);
      assert.deepEqual(leading.held.texts, []);
    }
    await leading.held.count(4);
    assert.deepEqual(leading.held.texts, ["a", "b", "c", "d"]);
  });
}

Deno.test("AmqpBroker consumes beside another that stays", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  made.extra("lead");
  await sendTo(queue, ["a", "b", "c", "d"]);
  await using _other = await other(queue);
  const { held } = leadOf(broker, queue, { prefetch: 4, parkingQueue });
  await held.count(2);
  assert.deepEqual(held.texts, ["c", "d"]);
});
