/**
 * Consumers that share a queue's partitions, on one broker in memory, as it were several programs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MemoryBroker } from "../../src/broker/memory.ts";
import type { Disposition } from "../../src/broker/mod.ts";
import { PartitionedConsumer } from "../../src/vumi/partitioned.ts";
import { isMovedAgain, partitionsOf } from "../../src/vumi/partitions.ts";
import { bytes, DONE, Held, text } from "../broker/bench.ts";
import { until } from "../support/until.ts";

const QUEUE = "c.inbound";
const USERS = Array.from({ length: 16 }, (_, n) => `user${n}`);

/** A program with a share of the partitions. */
class Instance {
  readonly held = new Held();
  readonly consumer: PartitionedConsumer;
  /** What it has got, while it answers at once. */
  readonly taken: string[] = [];

  constructor(broker: MemoryBroker, options: { count?: number; holds?: boolean } = {}) {
    const { count = 4, holds = false } = options;
    this.consumer = new PartitionedConsumer({
      broker,
      queue: QUEUE,
      count,
      prefetch: 8,
      parkingQueue: `${QUEUE}.parked`,
      keyOf: (body) => {
        const [user = "", number] = new TextDecoder().decode(body).split(" ");
        return number === undefined ? undefined : user;
      },
      handler: (message): Promise<Disposition> => {
        if (holds) return this.held.handler(message);
        this.taken.push(text(message));
        return Promise.resolve(DONE);
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.consumer.cancel();
  }
}

async function holders(broker: MemoryBroker): Promise<number> {
  const claims = await Promise.all(partitionsOf(QUEUE, 4).map((name) => broker.claim(name)));
  await Promise.all(claims.map((claim) => claim?.release()));
  return claims.filter((claim) => claim === undefined).length;
}

Deno.test("PartitionedConsumer hands out each user's messages in order, and what has no user", async () => {
  await using broker = MemoryBroker.open();
  await using instance = new Instance(broker);
  const sent = Array.from({ length: 200 }, (_, n) => `${USERS[n % 16]} ${n}`);
  for (const each of [...sent, "unreadable"]) await broker.publish(QUEUE, bytes(each));
  await until("all", () => instance.taken.length === 201);
  for (const user of USERS) {
    const own = (list: readonly string[]) => list.filter((each) => each.startsWith(`${user} `));
    assert.deepEqual(own(instance.taken), own(sent));
  }
  assert.ok(instance.taken.includes("unreadable"));
});

Deno.test("PartitionedConsumer keeps together no more in hand than one queue's prefetch", async () => {
  await using broker = MemoryBroker.open();
  await using instance = new Instance(broker, { holds: true });
  for (let n = 0; n < 200; n++) await broker.publish(QUEUE, bytes(`${USERS[n % 16]} ${n}`));
  await instance.held.count(8);
  await until("all to be held", async () => await holders(broker) === 4);
  assert.equal(instance.held.messages.length, 8);
  for (let n = 0; n < 8; n++) instance.held.answer(n, { kind: "requeue" });
});

Deno.test("PartitionedConsumer gives partitions back when all that it has begun is answered", async () => {
  await using broker = MemoryBroker.open();
  await using first = new Instance(broker, { holds: true });
  await until("all to be held", async () => await holders(broker) === 4);
  for (const name of USERS) {
    for (let n = 0; n < 8; n++) await broker.publish(QUEUE, bytes(`${name} ${n}`));
  }
  await first.held.count(8);
  await using second = new Instance(broker);
  // Each partition has something in work, so the other one gets nothing.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  assert.equal(second.taken.length, 0);
  assert.equal(first.held.messages.length, 8);
  let answered = 0;
  const answering = setInterval(() => {
    for (; answered < first.held.messages.length; answered++) first.held.answer(answered, DONE);
  });
  const all = (): readonly string[] => [...first.held.texts, ...second.taken];
  await until("all", () => all().length === 128).finally(() => clearInterval(answering));
  assert.ok(second.taken.length > 0);
  for (const name of USERS) {
    const own = all().filter((each) => each.startsWith(`${name} `));
    assert.deepEqual(own, Array.from({ length: 8 }, (_, n) => `${name} ${n}`));
  }
});

Deno.test("PartitionedConsumer takes over what another one leaves", async () => {
  await using broker = MemoryBroker.open();
  await using first = new Instance(broker);
  await until("all to be held", async () => await holders(broker) === 4);
  await using second = new Instance(broker);
  await first.consumer.cancel();
  await first.consumer.settled();
  for (const user of USERS) await broker.publish(QUEUE, bytes(`${user} 0`));
  await until("all", () => second.taken.length === 16);
  assert.deepEqual(first.taken, []);
});

Deno.test("PartitionedConsumer.pause() leaves messages in the partitions, resume() goes on", async () => {
  await using broker = MemoryBroker.open();
  await using instance = new Instance(broker);
  await until("all to be held", async () => await holders(broker) === 4);
  await instance.consumer.pause();
  for (const user of USERS) await broker.publish(QUEUE, bytes(`${user} 0`));
  await until("them to be moved", () => broker.waiting(QUEUE).length === 0);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.deepEqual(instance.taken, []);
  assert.equal(await holders(broker), 4);
  instance.consumer.resume();
  await until("all", () => instance.taken.length === 16);
});

Deno.test("PartitionedConsumer empties partitions that are left, also when there are to be none", async () => {
  for (const count of [0, 2]) {
    await using broker = MemoryBroker.open();
    for (const name of partitionsOf(QUEUE, 4)) {
      broker.declare(name);
      await broker.publish(name, bytes(`user ${name}`));
    }
    await using instance = new Instance(broker, { count });
    await until("all", () => instance.taken.length === 4);
    assert.deepEqual(instance.consumer.partitions, partitionsOf(QUEUE, 4));
  }
});

Deno.test("PartitionedConsumer marks what may have been moved before", async () => {
  await using broker = MemoryBroker.open();
  broker.declare(QUEUE);
  for (const each of ["user0 0", "user0 1"]) await broker.publish(QUEUE, bytes(each));
  // What was looked at counts as redelivered.
  await broker.sift(QUEUE, () => "keep");
  await broker.publish(QUEUE, bytes("user0 2"));
  await using instance = new Instance(broker, { holds: true });
  await instance.held.count(1);
  await instance.held.count(2);
  const marks = instance.held.messages.map(({ headers }) => isMovedAgain(headers));
  assert.deepEqual(marks, [true, true]);
  instance.held.answer(0, DONE);
  instance.held.answer(1, DONE);
  await instance.held.count(3);
  assert.equal(isMovedAgain(instance.held.messages[2]?.headers ?? {}), false);
  assert.deepEqual(instance.held.texts, ["user0 0", "user0 1", "user0 2"]);
  instance.held.answer(2, DONE);
});
