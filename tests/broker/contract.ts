/**
 * What every broker must do; each adapter's test file calls it once.
 *
 * @module
 */

import assert from "node:assert/strict";
import { PublishError } from "../../src/broker/mod.ts";
import { until } from "../support/until.ts";
import { type Adapter, bench, bytes, DONE, Held, type Register, text } from "./bench.ts";
import { cancelContract, consumeContract, parkContract } from "./contract_consume.ts";
import { laterContract } from "./contract_later.ts";
import { browseContract } from "./contract_browse.ts";

/** Registers the tests. */
export function brokerContract(adapter: Adapter): void {
  const test: Register = (name, run) => {
    Deno.test(`${adapter.name}.${name}`, async () => {
      await using made = await bench(adapter);
      await run(made, { prefetch: 10, parkingQueue: made.parkingQueue });
    });
  };
  publishContract(test);
  consumeContract(test);
  parkContract(test);
  cancelContract(test);
  laterContract(test);
  browseContract(test);
  closeContract(test);
}

function publishContract(test: Register): void {
  test("publish() resolves when the message is in the queue", async (made, options) => {
    await made.broker.publish(made.queue, bytes("one"));
    const held = new Held();
    made.broker.consume(made.queue, options, held.handler);
    await held.count(1);
    assert.deepEqual(held.texts, ["one"]);
    assert.equal(held.messages[0]?.redelivered, false);
    assert.deepEqual(held.messages[0]?.headers, {});
  });

  test(
    "publish() leaves bytes unchanged, whatever they are",
    async ({ broker, queue }, options) => {
      const bodies = [[], [0, 255, 206, 10], Array<number>(300_000).fill(7)];
      for (const body of bodies) await broker.publish(queue, Uint8Array.from(body));
      const held = new Held();
      broker.consume(queue, options, held.handler);
      await held.count(3);
      assert.deepEqual(held.messages.map(({ body }) => [...body]), bodies);
    },
  );

  test("publish() gives a message its headers, and the next one none", async (made, options) => {
    const { broker, queue } = made;
    const long = "ü".repeat(1001);
    await broker.publish(queue, bytes("one"), { traceparent: "00-a", "x-count": 1, long });
    await broker.publish(queue, bytes("two"));
    const held = new Held();
    broker.consume(queue, options, held.handler);
    await held.count(2);
    const cut = { traceparent: "00-a", "x-count": 1, long: "ü".repeat(1000) };
    assert.deepEqual(held.messages.map(({ headers }) => headers), [cut, {}]);
  });

  test("publish() keeps the order of messages side by side", async ({ broker, queue }, options) => {
    const texts = Array.from({ length: 200 }, (_, index) => `${index}`);
    await Promise.all(texts.map((each) => broker.publish(queue, bytes(each))));
    const received: string[] = [];
    broker.consume(queue, options, (message) => {
      received.push(text(message));
      return Promise.resolve(DONE);
    });
    await until("all messages", () => received.length === texts.length);
    assert.deepEqual(received, texts);
  });

  test("publish() is refused if there is no such queue", async ({ broker, queue }) => {
    const [before, lost, after] = await Promise.allSettled([
      broker.publish(queue, bytes("same")),
      broker.publish(`${queue}.nowhere`, bytes("same")),
      broker.publish(queue, bytes("same")),
    ]);
    assert.equal(before.status, "fulfilled");
    assert.equal(after.status, "fulfilled");
    assert.ok(lost.status === "rejected" && lost.reason instanceof PublishError);
    assert.equal(lost.reason.fault, "refused");
    assert.match(lost.reason.message, /nowhere/);
    assert.doesNotMatch(lost.reason.message, /same/);
  });

  test("declare() makes a queue while the broker is open, twice is fine", async (made) => {
    const later = made.extra("later");
    made.broker.declare(later);
    made.broker.declare(later);
    await until(
      "the queue",
      () => made.broker.publish(later, bytes("one")).then(() => true, () => false),
    );
  });
}

function closeContract(test: Register): void {
  test("settled() waits for what was handed out to be answered", async (made, options) => {
    const { broker, queue } = made;
    const held = new Held();
    const consumer = broker.consume(queue, options, held.handler);
    for (const each of ["a", "b"]) await broker.publish(queue, bytes(each));
    await held.count(2);
    await consumer.cancel();
    let settled = false;
    const settling = consumer.settled().then(() => settled = true);
    held.answer(0, { kind: "park", reason: "bad" });
    await broker.publish(queue, bytes("c")); // Time for what should not happen.
    assert.equal(settled, false);
    held.answer(1, DONE);
    await settling;
  });

  test("status() is open, and closed at the end", async ({ broker }) => {
    assert.equal(broker.status().state, "open");
    await broker[Symbol.asyncDispose]();
    assert.equal(broker.status().state, "closed");
  });

  test("publish() fails at once when closed", async ({ broker, queue }) => {
    await broker[Symbol.asyncDispose]();
    await assert.rejects(broker.publish(queue, bytes("late")), { fault: "unavailable" });
  });

  test(
    "closing tells handlers that their messages are lost",
    async ({ broker, queue }, options) => {
      const held = new Held();
      broker.consume(queue, options, held.handler);
      await broker.publish(queue, bytes("a"));
      await held.count(1);
      assert.equal(held.messages[0]?.lost.aborted, false);
      await broker[Symbol.asyncDispose]();
      assert.equal(held.messages[0]?.lost.aborted, true);
      held.answer(0, DONE);
      await broker[Symbol.asyncDispose]();
    },
  );
}
