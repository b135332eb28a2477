import assert from "node:assert/strict";
import fc from "fast-check";
import { MemoryBroker } from "../../src/broker/memory.ts";
import {
  findPartitions,
  isMovedAgain,
  MOVED_AGAIN_HEADERS,
  partitionOf,
  partitionsOf,
  prefetchOf,
  shareOf,
} from "../../src/vumi/partitions.ts";

Deno.test("partitionOf() is what it always was: an update moves no user", () => {
  const keys = ["", "+26612345678", "+26612345679", "*120*8864#", "ü€𝄞", "a".repeat(1000)];
  assert.deepEqual(keys.map((key) => partitionOf(key, 64)), [11, 49, 37, 12, 47, 3]);
  assert.deepEqual(keys.map((key) => partitionOf(key, 1)), [0, 0, 0, 0, 0, 0]);
});

Deno.test("partitionOf() answers one of the partitions, always the same", () => {
  fc.assert(fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (key, count) => {
    const index = partitionOf(key, count);
    assert.ok(Number.isInteger(index) && index >= 0 && index < count);
    assert.equal(partitionOf(key, count), index);
  }));
});

Deno.test("partitionOf() spreads numbers that follow each other evenly", () => {
  for (const count of [2, 3, 4, 10, 64]) {
    const filled = Array<number>(count).fill(0);
    for (let n = 0; n < 10_000; n++) {
      const index = partitionOf(`+2661234${1000 + n}`, count);
      filled[index] = (filled[index] ?? 0) + 1;
    }
    const fair = 10_000 / count;
    for (const each of filled) assert.ok(Math.abs(each - fair) < fair / 2, `${filled}`);
  }
});

Deno.test("shareOf() is enough for all, and no more than one more than the least", () => {
  fc.assert(fc.property(
    fc.integer({ min: 0, max: 64 }),
    fc.integer({ min: 1, max: 100 }),
    (count, instances) => {
      const share = shareOf(count, instances);
      assert.ok(share * instances >= count);
      assert.ok((share - 1) * instances < count);
    },
  ));
  assert.deepEqual([shareOf(4, 0), shareOf(4, 1), shareOf(4, 3), shareOf(4, 9)], [4, 4, 2, 1]);
});

Deno.test("prefetchOf() is one queue's in all, and one each at least", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 1000 }),
    fc.integer({ min: 1, max: 64 }),
    (prefetch, partitions) => {
      const each = Array.from(
        { length: partitions },
        (_, n) => prefetchOf(prefetch, partitions, n),
      );
      const sum = each.reduce((total, one) => total + one);
      assert.equal(sum, Math.max(prefetch, partitions));
      assert.ok(Math.max(...each) - Math.min(...each) <= 1);
    },
  ));
});

Deno.test("findPartitions() finds those that are configured, and those that are left", async () => {
  await using broker = MemoryBroker.open();
  assert.deepEqual(await findPartitions(broker, "q", 0), []);
  assert.deepEqual(await findPartitions(broker, "q", 2), ["q.p0", "q.p1"]);
  for (const name of partitionsOf("q", 3)) broker.declare(name);
  broker.declare("q.p9");
  assert.deepEqual(await findPartitions(broker, "q", 0), ["q.p0", "q.p1", "q.p2"]);
  assert.deepEqual(await findPartitions(broker, "q", 2), ["q.p0", "q.p1", "q.p2"]);
  for (const name of partitionsOf("q", 70)) broker.declare(name);
  assert.equal((await findPartitions(broker, "q", 0)).length, 64);
});

Deno.test("isMovedAgain() knows the mark", () => {
  assert.equal(isMovedAgain(MOVED_AGAIN_HEADERS), true);
  assert.equal(isMovedAgain({ "x-retry-waits": 1 }), false);
});
