import assert from "node:assert/strict";
import { MemoryBroker } from "../../src/broker/memory.ts";
import { bytes } from "./bench.ts";
import { brokerContract } from "./contract.ts";

brokerContract({
  name: "MemoryBroker",
  open: () => MemoryBroker.open(),
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
