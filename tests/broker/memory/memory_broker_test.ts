import assert from "node:assert/strict";
import { MemoryBroker } from "../../../src/broker/memory/memory_broker.ts";
import { type Decision, delayQueue } from "../../../src/broker/mod.ts";
import { until } from "../../support/until.ts";
import { bytes } from "../bench.ts";
import { brokerContract } from "../contract.ts";

brokerContract({
  name: "MemoryBroker",
  open: () => MemoryBroker.open(),
  putsBackAtEnd: false,
  prepare: () => Promise.resolve(),
  remove: () => Promise.resolve(),
});

Deno.test("MemoryBroker.waiting() shows what nobody has taken", async () => {
  await using broker = MemoryBroker.open();
  broker.declare("one");
  assert.deepEqual(broker.waiting("one"), []);
  assert.deepEqual(broker.waiting("undeclared"), []);
  await broker.publish("one", bytes("a"));
  await broker.publish("one", bytes("b"));
  assert.deepEqual(broker.waiting("one"), [
    { body: bytes("a"), headers: {} },
    { body: bytes("b"), headers: {} },
  ]);
});

Deno.test("MemoryBroker.publish() keeps a copy of the bytes", async () => {
  await using broker = MemoryBroker.open();
  broker.declare("one");
  const body = bytes("a");
  await broker.publish("one", body);
  body.fill(0);
  assert.deepEqual(broker.waiting("one")[0]?.body, bytes("a"));
});

Deno.test("MemoryBroker.consume() shares a queue among its consumers", async () => {
  await using broker = MemoryBroker.open();
  broker.declare("one");
  for (const each of ["a", "b"]) await broker.publish("one", bytes(each));
  const taken = [0, 0];
  const options = { prefetch: 2, parkingQueue: "parked" };
  for (const index of [0, 1]) {
    broker.consume("one", options, () => {
      taken[index] = (taken[index] ?? 0) + 1;
      return new Promise(() => {});
    });
  }
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(taken, [1, 1]);
});

Deno.test("MemoryBroker brings a message later also if it is looked at when its time is up", async () => {
  await using broker = MemoryBroker.open();
  const options = { prefetch: 1, parkingQueue: "parked" };
  let deliveries = 0;
  broker.declare("one");
  const consumer = broker.consume("one", options, () => {
    deliveries++;
    return Promise.resolve({ kind: "later", delayMs: 5, headers: {} });
  });
  await broker.publish("one", bytes("a"));
  await until("the delivery", () => deliveries === 1);
  await consumer.settled();
  await consumer.cancel();
  const waits = delayQueue(5);
  await broker.browse(waits, async (): Promise<Decision> => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(broker.waiting("one").length, 0);
    return "keep";
  });
  assert.equal(broker.waiting("one").length, 1);
  assert.equal(await broker.depth(waits), 0);
});

Deno.test("MemoryBroker forgets what is delayed when it is closed", async () => {
  const broker = MemoryBroker.open();
  const options = { prefetch: 1, parkingQueue: "parked" };
  const consumer = broker.consume("one", options, () => {
    return Promise.resolve({ kind: "later", delayMs: 3_600_000, headers: {} });
  });
  await broker.publish("one", bytes("a"));
  await until("the delay", () => broker.waiting(delayQueue(3_600_000)).length === 1);
  await consumer.settled();
  await broker[Symbol.asyncDispose](); // A timer left behind would fail the test.
});
