import assert from "node:assert/strict";
import { Timeouts } from "../../src/async/mod.ts";
import { until } from "../support/until.ts";

/** What is up, in order. */
function upOf(
  timeouts: Timeouts,
): { up: string[]; start: (name: string, ms: number) => () => void } {
  const up: string[] = [];
  return {
    up,
    start: (name, ms) => timeouts.start(ms, () => void up.push(name)),
  };
}

Deno.test("Timeouts are up in their order, of one length and of several", async () => {
  const { up, start } = upOf(new Timeouts());
  start("late", 200);
  start("a", 20);
  start("b", 20);
  await new Promise((resolve) => setTimeout(resolve, 10));
  start("c", 20);
  await until("all are up", () => up.length === 4);
  assert.deepEqual(up, ["a", "b", "c", "late"]);
});

Deno.test("Timeouts are not up before their time", async () => {
  const timeouts = new Timeouts();
  const begin = performance.now();
  const took: number[] = [];
  for (let n = 0; n < 10; n++) {
    timeouts.start(50, () => void took.push(performance.now() - begin - 5 * n));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until("all are up", () => took.length === 10);
  assert.ok(took.every((ms) => ms >= 49), took.join());
});

Deno.test("Timeouts that were ended are never up, and hold nothing up", async () => {
  const { up, start } = upOf(new Timeouts());
  const ends = [start("first", 20), start("last", 20)];
  start("other", 20);
  for (const end of [...ends, ...ends]) end();
  await until("the other is up", () => up.length === 1);
  assert.deepEqual(up, ["other"]);
  // A timer that were left would be told of by the runner.
  start("again", 10_000)();
});
