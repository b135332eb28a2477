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

function later(headers: Record<string, string | number>, delayMs = SHORT_MS): Disposition {
  return { kind: "later", delayMs, headers };
}

/** Registers the tests. */
export function laterContract(test: Register): void {
  test("later brings the message again, with headers", async (made, options) => {
    const { broker, queue } = made;
    const held = new Held();
    broker.consume(queue, options, held.handler);
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
    const { broker, queue } = made;
    const headers: unknown[] = [];
    broker.consume(queue, options, (message) => {
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
    const { broker, queue } = made;
    const longMs = made.longDelayMs();
    const held = new Held();
    broker.consume(queue, { ...options, prefetch: 1 }, held.handler);
    for (const each of ["a", "b"]) await broker.publish(queue, bytes(each));
    await held.count(1);
    held.answer(0, later({}, longMs));
    await held.count(2);
    assert.deepEqual(held.texts, ["a", "b"]);
    assert.equal(await broker.depth(delayQueue(longMs)), 1);
  });

  test("later does not disturb the order of a delay queue", async (made, options) => {
    const { broker, queue } = made;
    const texts = Array.from({ length: 50 }, (_, index) => `${index}`);
    const received: string[] = [];
    broker.consume(queue, options, (message) => {
      if (message.headers["x-attempts"] !== 1) return Promise.resolve(later({ "x-attempts": 1 }));
      received.push(text(message));
      return Promise.resolve(DONE);
    });
    for (const each of texts) await broker.publish(queue, bytes(each));
    await until("all messages", () => received.length === texts.length);
    assert.deepEqual(received, texts);
  });

  test("again puts the message to the end of its queue, with headers", async (made, options) => {
    const { broker, queue } = made;
    const held = new Held();
    broker.consume(queue, { ...options, prefetch: 1 }, held.handler);
    for (const each of ["a", "b"]) await broker.publish(queue, bytes(each), { own: 1 });
    await held.count(1);
    held.answer(0, { kind: "again", headers: { "x-copies": 1 } });
    await held.count(2);
    held.answer(1, DONE);
    await held.count(3);
    held.answer(2, DONE);
    assert.deepEqual(held.texts, ["a", "b", "a"]);
    assert.deepEqual(held.messages.map(({ redelivered }) => redelivered), [false, false, false]);
    assert.deepEqual(held.messages[2]?.headers, { own: 1, "x-copies": 1 });
  });

  test("again keeps the order in which it was decided", async (made, options) => {
    const { broker, queue } = made;
    const held = new Held();
    broker.consume(queue, { ...options, prefetch: 20 }, held.handler);
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`);
    for (const each of texts) await broker.publish(queue, bytes(each));
    await held.count(20);
    for (const index of texts.keys()) held.answer(index, { kind: "again", headers: {} });
    await held.count(40);
    assert.deepEqual(held.texts.slice(20), texts);
  });

  test("later and park add to the headers, and shorten long ones", async (made, options) => {
    const { broker, queue, parkingQueue } = made;
    const long = "é".repeat(5000);
    const held = new Held();
    broker.consume(queue, options, held.handler);
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
