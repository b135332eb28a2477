/**
 * The contract's part about consuming; {@linkcode brokerContract} registers it.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ConsumeOptions, Disposition } from "../../src/broker/mod.ts";
import { until } from "../support/until.ts";
import { type Bench, bytes, DONE, Held, type Register } from "./bench.ts";

/** Registers the tests of what is handed out. */
export function consumeContract(test: Register): void {
  test("consume() hands out up to prefetch, in order", async ({ broker, queue }, options) => {
    for (const each of ["a", "b", "c", "d"]) await broker.publish(queue, bytes(each));
    const held = new Held();
    broker.consume(queue, { ...options, prefetch: 2 }, held.handler);
    await held.count(2);
    assert.deepEqual(held.texts, ["a", "b"]);
    held.answer(1, DONE);
    await held.count(3);
    assert.deepEqual(held.texts, ["a", "b", "c"]);
    held.answer(0, DONE);
    held.answer(2, DONE);
    await held.count(4);
    assert.deepEqual(held.texts, ["a", "b", "c", "d"]);
  });

  test("consume() hands out a finished message only once", async ({ broker, queue }, options) => {
    const first = new Held();
    const consumer = broker.consume(queue, options, first.handler);
    for (const each of ["a", "b"]) await broker.publish(queue, bytes(each));
    await first.count(2);
    first.answer(0, DONE);
    first.answer(1, { kind: "requeue" });
    await first.count(3);
    await consumer.cancel();
    first.answer(2, { kind: "requeue" });
    const second = new Held();
    broker.consume(queue, options, second.handler);
    await second.count(1);
    await broker.publish(queue, bytes("c"));
    await second.count(2);
    assert.deepEqual(second.texts, ["b", "c"]);
  });

  test(
    "consume() puts a requeued message back to its place",
    async ({ broker, queue, adapter: { putsBackAtEnd } }, options) => {
      for (const each of ["a", "b", "c"]) await broker.publish(queue, bytes(each));
      const held = new Held();
      broker.consume(queue, { ...options, prefetch: 1 }, held.handler);
      await held.count(1);
      held.answer(0, { kind: "requeue" });
      for (const index of [1, 2, 3]) {
        await held.count(index + 1);
        held.answer(index, DONE);
      }
      assert.deepEqual(held.texts, putsBackAtEnd ? ["a", "b", "c", "a"] : ["a", "a", "b", "c"]);
      const again = held.messages.map(({ redelivered }) => redelivered);
      assert.equal(again.lastIndexOf(true), held.texts.lastIndexOf("a"));
      assert.equal(again.filter((each) => each).length, 1);
    },
  );

  test(
    "consume() makes its queue, and that for parking when it is needed",
    async (made, options) => {
      const { broker, extra } = made;
      const fresh = extra("fresh");
      const parkingQueue = extra("fresh.parked");
      const decide = () => Promise.resolve<Disposition>({ kind: "park", reason: "bad" });
      const consumer = broker.consume(fresh, { ...options, parkingQueue }, decide);
      await until(fresh, () => broker.publish(fresh, bytes("one")).then(() => true, () => false));
      await until("the parked one", async () => await broker.depth(parkingQueue) === 1);
      await consumer.cancel();
    },
  );
}

/** Registers the tests of parking. */
export function parkContract(test: Register): void {
  /** Parks a message that reads "one" and returns what is in the parking queue. */
  async function park(made: Bench, options: ConsumeOptions, decide: () => Promise<Disposition>) {
    const { broker, queue, parkingQueue } = made;
    broker.consume(queue, options, decide);
    await broker.publish(queue, bytes("one"));
    const parked = new Held();
    const elsewhere = { ...options, parkingQueue: made.extra("parked.parked") };
    broker.consume(parkingQueue, elsewhere, parked.handler);
    await parked.count(1);
    assert.deepEqual(parked.texts, ["one"]);
    return parked.messages[0]?.headers ?? {};
  }

  test("park keeps the message, with the reason in headers", async (made, options) => {
    const before = Date.now();
    const headers = await park(
      made,
      { ...options, onParked: () => assert.fail("the handler has said so") },
      () => Promise.resolve({ kind: "park", reason: "Turn answered 400", status: 400 }),
    );
    const { "x-parked-at": at, ...others } = headers;
    assert.deepEqual(others, {
      "x-parked-reason": "Turn answered 400",
      "x-parked-status": 400,
      "x-parked-from": made.queue,
    });
    assert.equal(new Date(String(at)).toISOString(), at);
    assert.ok(Date.parse(String(at)) >= before && Date.parse(String(at)) <= Date.now());
  });

  test("park shortens long reasons and leaves out a status there is not", async (made, options) => {
    const reason = "é".repeat(100_000);
    const headers = await park(made, options, () => Promise.resolve({ kind: "park", reason }));
    assert.equal(headers["x-parked-reason"], "é".repeat(1000));
    assert.ok(!("x-parked-status" in headers));
  });

  test("park takes the message out of its queue", async (made, options) => {
    const { broker, queue } = made;
    await park(
      made,
      { ...options, prefetch: 1 },
      () => Promise.resolve({ kind: "park", reason: "bad" }),
    );
    // With a prefetch of 1 a message that is not answered would keep the next one out.
    await broker.publish(queue, bytes("two"));
    const after = new Held();
    broker.consume(made.parkingQueue, options, after.handler);
    await after.count(1);
    assert.deepEqual(after.texts, ["two"]);
  });

  const faults: [string, () => Promise<Disposition>][] = [
    ["throws", () => {
      throw new RangeError("no such thing");
    }],
    ["rejects", () => Promise.reject(new RangeError("no such thing"))],
  ];
  for (const [how, fault] of faults) {
    test(`consume() parks the message of a handler that ${how}`, async (made, options) => {
      const told: boolean[] = [];
      const onParked = (isNew: boolean): void => void told.push(isNew);
      const headers = await park(made, { ...options, onParked }, fault);
      assert.equal(headers["x-parked-reason"], "bug: RangeError: no such thing");
      assert.deepEqual(told, [true]);
    });
  }
}

/** Registers the tests of cancelling. */
export function cancelContract(test: Register): void {
  test("cancel() ends the handing out, twice is fine", async ({ broker, queue }, options) => {
    const cancelled = new Held();
    const consumer = broker.consume(queue, options, cancelled.handler);
    await broker.publish(queue, bytes("a"));
    await cancelled.count(1);
    await Promise.all([consumer.cancel(), consumer.cancel()]);
    await consumer.cancel();
    await broker.publish(queue, bytes("b"));
    cancelled.answer(0, DONE);
    const next = new Held();
    broker.consume(queue, options, next.handler);
    await next.count(1);
    assert.deepEqual(next.texts, ["b"]);
    assert.deepEqual(cancelled.texts, ["a"]);
  });

  test("cancel() leaves messages in work to be answered", async (made, options) => {
    const { broker, queue, parkingQueue } = made;
    const held = new Held();
    const consumer = broker.consume(queue, { ...options, prefetch: 3 }, held.handler);
    for (const each of ["a", "b", "c"]) await broker.publish(queue, bytes(each));
    await held.count(3);
    await consumer.cancel();
    held.answer(0, DONE);
    held.answer(1, { kind: "park", reason: "bad" });
    const parked = new Held();
    broker.consume(parkingQueue, { ...options, parkingQueue: queue }, parked.handler);
    await parked.count(1);
    assert.deepEqual(parked.texts, ["b"]);
    assert.equal(held.messages[2]?.lost.aborted, false);
    held.answer(2, { kind: "requeue" });
    const rest = new Held();
    broker.consume(queue, options, rest.handler);
    await rest.count(1);
    assert.deepEqual(rest.texts, ["c"]);
    assert.equal(rest.messages[0]?.redelivered, true);
  });

  test("cancel() right after consume() consumes nothing", async ({ broker, queue }, options) => {
    await broker.publish(queue, bytes("a"));
    const never = new Held();
    await broker.consume(queue, options, never.handler).cancel();
    const next = new Held();
    broker.consume(queue, options, next.handler);
    await next.count(1);
    assert.deepEqual(never.texts, []);
  });
}
