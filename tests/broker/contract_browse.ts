/**
 * The contract's part about looking into queues; {@linkcode brokerContract} registers it.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Broker, Decision, QueuedMessage } from "../../src/broker/mod.ts";
import { until } from "../support/until.ts";
import { bytes, DONE, Held, type Register } from "./bench.ts";

function read({ body }: QueuedMessage): string {
  return new TextDecoder().decode(body);
}

/** The texts in a queue; none of them is taken. */
async function list(broker: Broker, queue: string): Promise<string[]> {
  const texts: string[] = [];
  await broker.browse(queue, (message) => {
    texts.push(read(message));
    return "keep";
  });
  return texts;
}

async function fill(broker: Broker, queue: string, texts: readonly string[]): Promise<void> {
  for (const each of texts) await broker.publish(queue, bytes(each));
}

/** Registers the tests. */
export function browseContract(test: Register): void {
  test("browse() shows what waits, in order, and leaves it", async ({ broker, queue }, options) => {
    await fill(broker, queue, ["a", "b", "c"]);
    assert.deepEqual(await list(broker, queue), ["a", "b", "c"]);
    assert.deepEqual(await list(broker, queue), ["a", "b", "c"]);
    const held = new Held();
    broker.consume(queue, options, held.handler);
    await held.count(3);
    assert.deepEqual(held.texts, ["a", "b", "c"]);
    assert.deepEqual(held.messages.map(({ redelivered }) => redelivered), [true, true, true]);
  });

  test("browse() drops, moves and keeps", async ({ broker, queue, parkingQueue }, options) => {
    await fill(broker, queue, ["a", "b", "c", "d", "e"]);
    const decisions: Record<string, Decision> = {
      b: "drop",
      c: { moveTo: parkingQueue, headers: { "x-a": 1, "x-b": "two" } },
      d: { moveTo: parkingQueue, headers: {} },
    };
    await broker.browse(queue, (message) => Promise.resolve(decisions[read(message)] ?? "keep"));
    assert.deepEqual(await list(broker, queue), ["a", "e"]);
    const moved = new Held();
    broker.consume(parkingQueue, { ...options, parkingQueue: queue }, moved.handler);
    await moved.count(2);
    assert.deepEqual(moved.texts, ["c", "d"]);
    assert.deepEqual(moved.messages.map(({ headers }) => headers), [
      { "x-a": 1, "x-b": "two" },
      {},
    ]);
  });

  test("browse() puts the given headers in place of a message's own", async (made, options) => {
    const { broker, queue, parkingQueue } = made;
    const consumer = broker.consume(
      queue,
      options,
      () => Promise.resolve({ kind: "park", reason: "bad", headers: { "x-attempts": 3 } }),
    );
    await fill(broker, queue, ["a"]);
    await until("it to be parked", async () => await broker.depth(parkingQueue) === 1);
    await consumer.cancel();
    await broker.browse(parkingQueue, ({ headers }) => {
      assert.equal(headers["x-parked-reason"], "bad");
      return { moveTo: queue, headers: { "x-attempts": headers["x-attempts"] } };
    });
    const held = new Held();
    broker.consume(queue, options, held.handler);
    await held.count(1);
    assert.deepEqual(held.messages[0]?.headers, { "x-attempts": 3 });
  });

  test("browse() looks at each message once, also when it comes back", async (made) => {
    const { broker, queue } = made;
    await fill(broker, queue, ["a", "b"]);
    const seen: string[] = [];
    await broker.browse(queue, (message) => {
      seen.push(read(message));
      return { moveTo: queue, headers: {} };
    });
    assert.deepEqual(seen, ["a", "b"]);
    assert.deepEqual(await list(broker, queue), ["a", "b"]);
  });

  test("browse() leaves what was not decided when decide throws", async ({ broker, queue }) => {
    await fill(broker, queue, ["a", "b", "c", "d"]);
    const browsing = broker.browse(queue, (message) => {
      if (read(message) === "c") throw new RangeError("no such thing");
      return read(message) === "b" ? "drop" : "keep";
    });
    await assert.rejects(browsing, { name: "RangeError", message: "no such thing" });
    assert.deepEqual(await list(broker, queue), ["a", "c", "d"]);
  });

  test("browse() keeps what can't be moved", async ({ broker, queue }) => {
    await fill(broker, queue, ["a", "b"]);
    const nowhere = { moveTo: `${queue}.nowhere`, headers: {} };
    await assert.rejects(broker.browse(queue, () => nowhere), {
      name: "PublishError",
      fault: "refused",
    });
    assert.deepEqual(await list(broker, queue), ["a", "b"]);
  });

  test("browse() finds nothing in a queue that is not there", async ({ broker, queue }) => {
    assert.deepEqual(await list(broker, `${queue}.nowhere`), []);
    assert.deepEqual(await list(broker, queue), []);
    assert.equal(await broker.depth(`${queue}.nowhere`), undefined);
  });

  test("browse() works beside a consumer of the same queue", async ({ broker, queue }, options) => {
    await fill(broker, queue, ["a", "b", "c"]);
    const held = new Held();
    await broker.browse(queue, async (message): Promise<Decision> => {
      if (read(message) === "a") {
        broker.consume(queue, options, held.handler);
        await broker.publish(queue, bytes("d"));
        await until("the one that has come since", () => held.texts.includes("d"));
      }
      return "keep";
    });
    await held.count(4);
    assert.deepEqual(held.texts.toSorted(), ["a", "b", "c", "d"]);
  });

  test("depth() counts what waits, not what is in work", async ({ broker, queue }, options) => {
    assert.equal(await broker.depth(queue), 0);
    await fill(broker, queue, ["a", "b", "c"]);
    assert.equal(await broker.depth(queue), 3);
    const held = new Held();
    broker.consume(queue, { ...options, prefetch: 1 }, held.handler);
    await held.count(1);
    assert.equal(await broker.depth(queue), 2);
    held.answer(0, DONE);
    await held.count(2);
    assert.equal(await broker.depth(queue), 1);
  });

  test("browse() and depth() fail when closed", async ({ broker, queue }) => {
    await broker[Symbol.asyncDispose]();
    await assert.rejects(broker.depth(queue), { name: "PublishError", fault: "unavailable" });
    await assert.rejects(list(broker, queue), { name: "PublishError", fault: "unavailable" });
  });
}
