import assert from "node:assert/strict";
import { InFlight } from "../../src/bridge/in_flight.ts";
import { soon, TestClock } from "./clock.ts";
import { NEVER } from "./support.ts";

/** A hand that holds for a second, on a clock that the test sets. */
function testHand() {
  const clock = new TestClock(0);
  const stopping = new AbortController();
  const { after, elapsed } = clock;
  const hand = new InFlight({ holdMs: 1_000, stopping: stopping.signal, after, elapsed });
  return { clock, stopping, hand };
}

Deno.test("Hand ends the waiting of each message when its own time is over", async () => {
  const { clock, hand } = testHand();
  const ended: string[] = [];
  const first = hand.take(NEVER);
  void first.wait(Infinity).then(() => ended.push("first"));
  await clock.advance(400);
  const second = hand.take(NEVER);
  void second.wait(Infinity).then(() => ended.push("second"));
  await clock.advance(599);
  assert.deepEqual([ended, first.isOver], [[], false]);
  await clock.advance(1);
  assert.deepEqual([ended, first.isOver, first.isBack], [["first"], true, false]);
  await clock.advance(399);
  assert.deepEqual([ended, second.isOver], [["first"], false]);
  await clock.advance(1);
  assert.deepEqual(ended, ["first", "second"]);
});

Deno.test("Hand keeps no timer for what is answered", async () => {
  const { clock, hand } = testHand();
  const first = hand.take(NEVER);
  await clock.advance(500);
  const second = hand.take(NEVER);
  hand.release(first);
  let isOver = false;
  second.over.addEventListener("abort", () => isOver = true);
  await clock.advance(999);
  assert.equal(isOver, false);
  await clock.advance(1);
  assert.equal(isOver, true);
  hand.release(second);
  assert.equal(hand.take(NEVER).isOver, false);
});

Deno.test("Hand ends all waiting when we stop, and what is lost with its channel", async () => {
  const { hand, stopping } = testHand();
  const [one, other] = [new AbortController(), new AbortController()];
  const ended: string[] = [];
  for (const [name, session] of [["a", one], ["b", one], ["c", other]] as const) {
    void hand.take(session.signal).wait(Infinity).then(() => ended.push(name));
  }
  one.abort();
  await soon();
  assert.deepEqual(ended, ["a", "b"]);
  stopping.abort();
  await soon();
  assert.deepEqual(ended, ["a", "b", "c"]);
  const late = hand.take(NEVER);
  assert.deepEqual([late.isBack, late.over.aborted], [true, true]);
  await late.wait(Infinity);
});

Deno.test("Held.wait() waits as long as it is told, if that is not over before", async () => {
  const { clock, hand } = testHand();
  let hasWaited = false;
  void hand.take(NEVER).wait(700).then(() => hasWaited = true);
  await clock.advance(699);
  assert.equal(hasWaited, false);
  await clock.advance(1);
  assert.equal(hasWaited, true);
});
