/**
 * Several bridges on one connector, each as a program of its own: with partitions each user's
 * messages are in order, whatever becomes of the bridges.
 *
 * @module
 */

import assert from "node:assert/strict";
import { heldBy, PARTITIONS, Together } from "../support/partitions.ts";
import { until } from "../support/until.ts";

/** So many are on their way when something happens. */
const MANY = 400;

Deno.test("two bridges share the partitions, and each user's messages are in order", async () => {
  await using together = await Together.prepare();
  await using first = await together.start();
  await using second = await together.start();
  await until("both to have half", () => [first, second].every((one) => heldBy(one) === 2));
  await together.send(MANY);
  await together.seen();
  assert.deepEqual(together.overtakers, []);
  assert.deepEqual(together.repeats, []);
  for (const one of [first, second]) {
    const delivered = await together.deliveredBy(one);
    assert.ok(delivered > MANY / 10, `one of them has delivered ${delivered}`);
  }
});

for (const [which, whom] of [["the one that moves messages", 0], ["the other one", 1]] as const) {
  Deno.test(`when ${which} is killed in the middle, the rest goes on in order`, async () => {
    await using together = await Together.prepare();
    await using first = await together.start();
    await until("it to move", () => first.stderr().includes("Moving the messages"));
    await using second = await together.start();
    await until("both to have half", () => [first, second].every((one) => heldBy(one) === 2));
    const [killed, other] = whom === 0 ? [first, second] : [second, first];
    const sending = together.send(MANY);
    await until("work to have begun", () => together.live.told().length > MANY / 4);
    await killed.stop("SIGKILL");
    assert.ok(together.live.told().length < MANY, "all was over before the kill");
    await sending;
    await together.seen();
    assert.deepEqual(together.overtakers, []);
    assert.equal(heldBy(other), PARTITIONS);
  });
}

Deno.test("when a bridge joins in the middle it gets its share, in order and nothing twice", async () => {
  await using together = await Together.prepare();
  await using first = await together.start();
  await until("it to have all", () => heldBy(first) === PARTITIONS);
  const sending = together.send(2 * MANY);
  await until("work to have begun", () => together.live.told().length > MANY / 4);
  await using second = await together.start();
  await sending;
  await together.send(MANY);
  await together.seen();
  assert.deepEqual(together.overtakers, []);
  assert.deepEqual(together.repeats, []);
  assert.deepEqual([heldBy(first), heldBy(second)], [2, 2]);
  assert.ok(await together.deliveredBy(second) > 0);
  assert.deepEqual(await together.holders(), [1, 1, 1, 1]);
});

Deno.test("when a bridge is stopped in the middle the others get its partitions, in order", async () => {
  await using together = await Together.prepare();
  await using first = await together.start();
  await using second = await together.start();
  await until("both to have half", () => [first, second].every((one) => heldBy(one) === 2));
  const sending = together.send(MANY);
  await until("work to have begun", () => together.live.told().length > MANY / 4);
  assert.equal(await first.stop("SIGTERM"), 0);
  await sending;
  await together.seen();
  assert.deepEqual(together.overtakers, []);
  assert.deepEqual(together.repeats, []);
  assert.equal(heldBy(second), PARTITIONS);
});
