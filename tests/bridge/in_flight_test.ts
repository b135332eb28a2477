import assert from "node:assert/strict";
import { InFlight } from "../../src/bridge/in_flight.ts";
import { soon, TestClock } from "./clock.ts";
import { NEVER } from "./support.ts";

/** Messages in hand, each for a second at most, on a clock that the test sets. */
function testInFlight() {
  const clock = new TestClock(0);
  const stopping = new AbortController();
  const { after, elapsed } = clock;
  const inFlight = new InFlight({ holdMs: 1_000, stopping: stopping.signal, after, elapsed });
  return { clock, stopping, inFlight };
}

Deno.test("InFlight ends the waiting of each message when its own time is over", async () => {
  const { clock, inFlight } = testInFlight();
  const ended: string[] = [];
  const first = inFlight.take(NEVER);
  void first.wait(Infinity).then(() => ended.push("first"));
  await clock.advance(400);
  const second = inFlight.take(NEVER);
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

Deno.test("InFlight keeps no timer for what is answered", async () => {
  const { clock, inFlight } = testInFlight();
  const first = inFlight.take(NEVER);
  await clock.advance(500);
  const second = inFlight.take(NEVER);
  inFlight.release(first);
  let isOver = false;
  second.over.addEventListener("abort", () => isOver = true);
  await clock.advance(999);
  assert.equal(isOver, false);
  await clock.advance(1);
  assert.equal(isOver, true);
  inFlight.release(second);
  assert.equal(inFlight.take(NEVER).isOver, false);
});

Deno.test("InFlight ends all waiting when we stop, and what is lost with its channel", async () => {
  const { inFlight, stopping } = testInFlight();
  const [one, other] = [new AbortController(), new AbortController()];
  const ended: string[] = [];
  for (const [name, session] of [["a", one], ["b", one], ["c", other]] as const) {
    void inFlight.take(session.signal).wait(Infinity).then(() => ended.push(name));
  }
  one.abort();
  await soon();
  assert.deepEqual(ended, ["a", "b"]);
  stopping.abort();
  await soon();
  assert.deepEqual(ended, ["a", "b", "c"]);
  const late = inFlight.take(NEVER);
  assert.deepEqual([late.isBack, late.over.aborted], [true, true]);
  await late.wait(Infinity);
});

Deno.test("Held.wait() waits as long as it is told, if that is not over before", async () => {
  const { clock, inFlight } = testInFlight();
  let hasWaited = false;
  void inFlight.take(NEVER).wait(700).then(() => hasWaited = true);
  await clock.advance(699);
  assert.equal(hasWaited, false);
  await clock.advance(1);
  assert.equal(hasWaited, true);
});
