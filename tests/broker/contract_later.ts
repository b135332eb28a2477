/**
 * The contract's part about messages that are to come again later; {@linkcode brokerContract}
 * registers it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { delayQueue, type Disposition } from "../../src/broker/mod.ts";
import { until } from "../support/until.ts";
import { bytes, DONE, Held, type Register, text } from "./bench.ts";

const SHORT_MS = 50;
/** Longer than any test: what waits so long does not come by itself. */
const LONG_MS = 3_600_000;

function later(headers: Record<string, string | number>, delayMs = SHORT_MS): Disposition {
  return { kind: "later", delayMs, headers };
}

/** Registers the tests. */
export function laterContract(test: Register): void {
  test("later brings the message again, with headers", async (made, options) => {
    const { broker, queue, delayQueues } = made;
    delayQueues(SHORT_MS);
    const held = new Held();
    broker.consume(queue, { ...options, delaysMs: [SHORT_MS] }, held.handler);
    await broker.publish(queue, bytes("one"));
    await held.count(1);
    const began = performance.now();
    held.answer(0, later({ "x-attempts": 1, "x-reason": "Turn answered 500" }));
    await held.count(2);
    assert.ok(performance.now() - began > SHORT_MS / 2);
    assert.deepEqual(held.texts, ["one", "one"]);
    assert.deepEqual(held.messages[1]?.headers, {
      "x-attempts": 1,
      "x-reason": "Turn answered 500",
    });
    held.answer(1, DONE);
  });

  test("later can be said many times, and headers stay as they are", async (made, options) => {
    const { broker, queue, delayQueues } = made;
    delayQueues(SHORT_MS);
    const headers: unknown[] = [];
    broker.consume(queue, { ...options, delaysMs: [SHORT_MS] }, (message) => {
      headers.push(message.headers);
      return Promise.resolve(
        headers.length <= 4 ? later({ "x-attempts": headers.length, "x-same": "a" }) : DONE,
      );
    });
    await broker.publish(queue, bytes("one"));
    await until("five deliveries", () => headers.length === 5);
    assert.deepEqual(headers, [
      {},
      ...[1, 2, 3, 4].map((attempts) => ({ "x-attempts": attempts, "x-same": "a" })),
    ]);
  });

  test("later makes room for others, and waits in a queue of its own", async (made, options) => {
    const { broker, queue, delayQueues } = made;
    delayQueues(LONG_MS, SHORT_MS);
    const delaysMs = [SHORT_MS, LONG_MS];
    const held = new Held();
    broker.consume(queue, { ...options, prefetch: 1, delaysMs }, held.handler);
    for (const each of ["a", "b"]) await broker.publish(queue, bytes(each));
    await held.count(1);
    held.answer(0, later({}, LONG_MS));
    await held.count(2);
    assert.deepEqual(held.texts, ["a", "b"]);
    assert.equal(await broker.depth(delayQueue(queue, LONG_MS)), 1);
    assert.equal(await broker.depth(delayQueue(queue, SHORT_MS)), 0);
  });

  test("later does not disturb the order of a delay queue", async (made, options) => {
    const { broker, queue, delayQueues } = made;
    delayQueues(SHORT_MS);
    const texts = Array.from({ length: 50 }, (_, index) => `${index}`);
    const received: string[] = [];
    broker.consume(queue, { ...options, delaysMs: [SHORT_MS] }, (message) => {
      if (message.headers["x-attempts"] !== 1) return Promise.resolve(later({ "x-attempts": 1 }));
      received.push(text(message));
      return Promise.resolve(DONE);
    });
    for (const each of texts) await broker.publish(queue, bytes(each));
    await until("all messages", () => received.length === texts.length);
    assert.deepEqual(received, texts);
  });

  test("later with a delay that was not announced is a bug: parked", async (made, options) => {
    const { broker, queue, parkingQueue, delayQueues } = made;
    delayQueues(SHORT_MS);
    const decide = () => Promise.resolve(later({}, 51));
    broker.consume(queue, { ...options, delaysMs: [SHORT_MS] }, decide);
    await broker.publish(queue, bytes("one"));
    const parked = new Held();
    broker.consume(parkingQueue, { ...options, parkingQueue: queue }, parked.handler);
    await parked.count(1);
    assert.match(String(parked.messages[0]?.headers["x-parked-reason"]), /bug: RangeError.* 51 ms/);
  });

  test("later and park add to the headers, and shorten long ones", async (made, options) => {
    const { broker, queue, parkingQueue, delayQueues } = made;
    delayQueues(SHORT_MS);
    const long = "é".repeat(5000);
    const held = new Held();
    broker.consume(queue, { ...options, delaysMs: [SHORT_MS] }, held.handler);
    await broker.publish(queue, bytes("one"));
    await held.count(1);
    held.answer(0, later({ "x-attempts": 1, "x-first": "then", "x-long": long }));
    await held.count(2);
    assert.equal(held.messages[1]?.headers["x-long"], "é".repeat(1000));
    const headers = { "x-attempts": 2, "x-long": long, "x-parked-reason": "not this one" };
    held.answer(1, { kind: "park", reason: "bad", headers });
    const parked = new Held();
    broker.consume(parkingQueue, { ...options, parkingQueue: queue }, parked.handler);
    await parked.count(1);
    const { "x-parked-at": _at, "x-parked-from": _from, ...others } = parked.messages[0]?.headers ??
      {};
    assert.deepEqual(others, {
      "x-attempts": 2,
      "x-first": "then",
      "x-long": "é".repeat(1000),
      "x-parked-reason": "bad",
    });
  });
}
