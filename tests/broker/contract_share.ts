/**
 * The contract's part about several who share queues; {@linkcode brokerContract} registers it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { delayQueue, type MoveOptions } from "../../src/broker/mod.ts";
import { until } from "../support/until.ts";
import { type Bench, bytes, DONE, Held, type Register, text } from "./bench.ts";

const SHORT_MS = 50;

/** Registers the tests of claims and groups. */
export function claimContract(test: Register): void {
  test("claim() gives a queue to one only, until it is released", async ({ broker, queue }) => {
    const claim = await broker.claim(queue);
    assert.ok(claim !== undefined);
    assert.equal(claim.lost.aborted, false);
    assert.equal(await broker.claim(queue), undefined);
    await claim.release();
    await claim.release();
    assert.equal(claim.lost.aborted, true);
    const next = await broker.claim(queue);
    assert.ok(next !== undefined);
    await next.release();
  });

  test("claim() finds no queue that is consumed, or not there", async (made, options) => {
    const { broker, queue, extra } = made;
    const consumer = broker.consume(queue, options, new Held().handler);
    await until("the consumer to be there", async () => {
      const claim = await broker.claim(queue);
      await claim?.release();
      return claim === undefined;
    });
    assert.equal(await broker.claim(extra("nowhere")), undefined);
    await consumer.cancel();
    assert.ok(await broker.claim(queue) !== undefined);
  });

  test("claim() stays while its holder consumes, and pauses", async (made, options) => {
    const { broker, queue } = made;
    const claim = await broker.claim(queue);
    const held = new Held();
    const consumer = broker.consume(queue, options, held.handler);
    await broker.publish(queue, bytes("a"));
    await held.count(1);
    await consumer.pause();
    assert.equal(await broker.claim(queue), undefined);
    held.answer(0, DONE);
    await consumer.cancel();
    assert.equal(await broker.claim(queue), undefined);
    await claim?.release();
    assert.ok(await broker.claim(queue) !== undefined);
  });

  test("closing ends claims and memberships", async ({ broker, queue, extra }) => {
    const claim = await broker.claim(queue);
    const membership = await broker.join(extra("members"));
    await broker[Symbol.asyncDispose]();
    assert.equal(claim?.lost.aborted, true);
    assert.equal(membership?.lost.aborted, true);
    await assert.rejects(broker.claim(queue), { name: "PublishError", fault: "unavailable" });
  });

  test("join() tells how many there are", async ({ broker, extra }) => {
    const group = extra("members");
    const one = await broker.join(group);
    assert.equal(await one?.count(), 1);
    const two = await broker.join(group);
    assert.deepEqual([await one?.count(), await two?.count()], [2, 2]);
    await one?.release();
    assert.equal(await two?.count(), 1);
    await two?.release();
    const again = await broker.join(group);
    assert.equal(await again?.count(), 1);
    await again?.release();
  });

  test(
    "home is where messages come back to, and what parked ones are from",
    async (made, options) => {
      const { broker, queue, parkingQueue, extra, delayQueues } = made;
      delayQueues(SHORT_MS);
      const part = extra("p0");
      const held = new Held();
      const how = { ...options, home: queue, delaysMs: [SHORT_MS] };
      broker.consume(part, how, held.handler);
      await until(
        "the queue",
        () => broker.publish(part, bytes("a")).then(() => true, () => false),
      );
      await held.count(1);
      held.answer(0, { kind: "later", delayMs: SHORT_MS, headers: { "x-attempts": 1 } });
      await until("it to be back", async () => await broker.depth(queue) === 1);
      assert.equal(await broker.depth(delayQueue(part, SHORT_MS)), undefined);
      await broker.publish(part, bytes("b"));
      await held.count(2);
      held.answer(1, { kind: "park", reason: "bad" });
      const parked = new Held();
      broker.consume(parkingQueue, options, parked.handler);
      await parked.count(1);
      assert.equal(parked.messages[0]?.headers["x-parked-from"], queue);
    },
  );
}

/** Registers the tests of moving. */
export function moveContract(test: Register): void {
  /** Those that begin with `a` to one target, the others to another. */
  function byLetter({ extra }: Bench): MoveOptions & { targets: readonly [string, string] } {
    const targets = [extra("p0"), extra("p1")] as const;
    return {
      targets,
      route: ({ body, redelivered }) => ({
        to: new TextDecoder().decode(body).startsWith("a") ? targets[0] : targets[1],
        ...(redelivered && { headers: { "x-again": 1 } }),
      }),
    };
  }

  test("move() moves in order, each to its target, with its headers", async (made, options) => {
    const { broker, queue } = made;
    const how = byLetter(made);
    const texts = Array.from({ length: 500 }, (_, n) => `${n % 3 === 0 ? "a" : "b"}${n}`);
    await Promise.all(texts.map((each) => broker.publish(queue, bytes(each), { "x-own": each })));
    const mover = broker.move(queue, how);
    for (const [index, target] of how.targets.entries()) {
      const received: [string, unknown][] = [];
      const wanted = texts.filter((each) => each.startsWith(index === 0 ? "a" : "b"));
      broker.consume(target, options, (message) => {
        received.push([text(message), message.headers]);
        return Promise.resolve(DONE);
      });
      await until("all", () => received.length >= wanted.length);
      assert.deepEqual(received, wanted.map((each) => [each, { "x-own": each }]));
    }
    assert.equal(await broker.depth(queue), 0);
    await mover.stop();
    await mover.stop();
    await broker.publish(queue, bytes("a"));
    assert.equal(await broker.depth(queue), 1);
  });

  test("move() says which messages somebody has had before", async (made, options) => {
    const { broker, queue } = made;
    const how = byLetter(made);
    const before = new Held();
    const consumer = broker.consume(queue, { ...options, prefetch: 1 }, before.handler);
    for (const each of ["a1", "a2"]) await broker.publish(queue, bytes(each));
    await before.count(1);
    await consumer.cancel();
    before.answer(0, { kind: "requeue" });
    await consumer.settled();
    broker.move(queue, how);
    const held = new Held();
    broker.consume(how.targets[0], options, held.handler);
    await held.count(2);
    assert.deepEqual(held.texts, ["a1", "a2"]);
    assert.deepEqual(held.messages.map(({ headers }) => headers), [{ "x-again": 1 }, {}]);
    assert.equal(held.messages[0]?.redelivered, false);
  });

  test("move() is one's only, and the next one's when that stops", async (made, options) => {
    const { broker, queue } = made;
    const how = byLetter(made);
    const movedBy: string[] = [];
    const move = (name: string) =>
      broker.move(queue, {
        ...how,
        route: (message) => {
          movedBy.push(name);
          return how.route(message);
        },
      });
    const received: string[] = [];
    const first = move("first");
    await broker.publish(queue, bytes("a0"));
    await until("the first to begin", () => movedBy.length === 1);
    const second = move("second");
    broker.consume(how.targets[0], options, (message) => {
      received.push(text(message));
      return Promise.resolve(DONE);
    });
    const texts = Array.from({ length: 200 }, (_, n) => `a${n}`);
    for (const each of texts.slice(1, 100)) await broker.publish(queue, bytes(each));
    await first.stop();
    for (const each of texts.slice(100)) await broker.publish(queue, bytes(each));
    await until("all", () => received.length >= texts.length);
    assert.deepEqual(received, texts);
    assert.deepEqual(new Set(movedBy.slice(-100)), new Set(["second"]));
    assert.equal(movedBy.length, texts.length);
    await second.stop();
  });
}
