/**
 * The contract's part about pausing; {@linkcode brokerContract} registers it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { bytes, DONE, Held, type Register, text } from "./bench.ts";

/** Registers the tests. */
export function pauseContract(test: Register): void {
  test("pause() ends the handing out until resume()", async ({ broker, queue }, options) => {
    const held = new Held();
    const consumer = broker.consume(queue, options, held.handler);
    await broker.publish(queue, bytes("a"));
    await held.count(1);
    await Promise.all([consumer.pause(), consumer.pause()]);
    for (const each of ["b", "c"]) await broker.publish(queue, bytes(each));
    assert.equal(broker.status().state, "open");
    assert.equal(await broker.depth(queue), 2);
    assert.deepEqual(held.texts, ["a"]);
    consumer.resume();
    consumer.resume();
    await held.count(3);
    assert.deepEqual(held.texts, ["a", "b", "c"]);
  });

  test("pause() leaves messages in work to be answered", async (made, options) => {
    const { broker, queue, parkingQueue } = made;
    const held = new Held();
    const consumer = broker.consume(queue, options, held.handler);
    for (const each of ["a", "b", "c"]) await broker.publish(queue, bytes(each));
    await held.count(3);
    await consumer.pause();
    held.answer(0, DONE);
    held.answer(1, { kind: "park", reason: "bad" });
    await until("b to be parked", async () => await broker.depth(parkingQueue) === 1);
    assert.equal(held.messages[2]?.lost.aborted, false);
    held.answer(2, DONE);
    await consumer.settled();
    consumer.resume();
    await broker.publish(queue, bytes("d"));
    await held.count(4);
    assert.deepEqual(held.texts, ["a", "b", "c", "d"]);
  });

  test("pause() keeps the order of what is put back", async ({ broker, queue }, options) => {
    const held = new Held();
    const consumer = broker.consume(queue, { ...options, prefetch: 3 }, held.handler);
    for (const each of ["a", "b", "c", "d", "e"]) await broker.publish(queue, bytes(each));
    await held.count(3);
    const paused = consumer.pause();
    for (const index of [2, 0, 1]) held.answer(index, { kind: "requeue" });
    await paused;
    await consumer.settled();
    consumer.resume();
    await held.count(6);
    assert.deepEqual(held.texts.slice(3), ["a", "b", "c"]);
    for (const index of [3, 4, 5]) held.answer(index, DONE);
    await held.count(8);
    assert.deepEqual(held.texts.slice(6), ["d", "e"]);
  });

  test(
    "pause() and resume() in a stream of messages lose and reorder none",
    async (made, options) => {
      const { broker, queue } = made;
      const texts = Array.from({ length: 400 }, (_, index) => `${index}`);
      const received: string[] = [];
      const consumer = broker.consume(queue, options, (message) => {
        received.push(text(message));
        if (received.length % 7 === 0) {
          // Sometimes it is resumed before the server has heard of the pause.
          void consumer.pause();
          if (received.length % 2) consumer.resume();
          else setTimeout(() => consumer.resume());
        }
        return Promise.resolve(DONE);
      });
      await Promise.all(texts.map((each) => broker.publish(queue, bytes(each))));
      await until("all messages", () => received.length >= texts.length);
      assert.deepEqual(received, texts);
    },
  );

  test("pause() right after consume() consumes nothing", async ({ broker, queue }, options) => {
    await broker.publish(queue, bytes("a"));
    const held = new Held();
    const consumer = broker.consume(queue, options, held.handler);
    await consumer.pause();
    await until("the broker to be open", () => broker.status().state === "open");
    await broker.publish(queue, bytes("b"));
    assert.equal(await broker.depth(queue), 2);
    assert.deepEqual(held.texts, []);
    consumer.resume();
    await held.count(2);
  });

  test("cancel() of a paused consumer ends it for good", async ({ broker, queue }, options) => {
    const held = new Held();
    const consumer = broker.consume(queue, options, held.handler);
    await broker.publish(queue, bytes("a"));
    await held.count(1);
    await consumer.pause();
    await consumer.cancel();
    consumer.resume();
    held.answer(0, { kind: "requeue" });
    const next = new Held();
    broker.consume(queue, options, next.handler);
    await next.count(1);
    assert.deepEqual(next.texts, ["a"]);
    assert.deepEqual(held.texts, ["a"]);
    await consumer.pause();
  });
}
