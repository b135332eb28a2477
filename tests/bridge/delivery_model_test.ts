import assert from "node:assert/strict";
import fc from "fast-check";
import { type Happening, Model } from "./delivery_model.ts";

const MINUTE = 60_000;
/** Thousands have been tried; so many find what was found then. */
const NUM_RUNS = 150;

const write = fc.record({
  kind: fc.constant("write" as const),
  user: fc.integer({ min: 0, max: 1 }),
  times: fc.integer({ min: 1, max: 5 }),
  fails: fc.constantFrom(0, 0, 0, 2, 3),
});
const pass = fc.record({
  kind: fc.constant("pass" as const),
  ms: fc.constantFrom(10, 30, 200, 1_000, 2_000, 3_000, 4_980, 5_010, 30_000, 16 * MINUTE),
});
const turn = fc.record({
  kind: fc.constant("turn" as const),
  is: fc.constantFrom(
    "unreachable" as const,
    "failing" as const,
    "limiting" as const,
    "up" as const,
  ),
});
const cache = fc.record({ kind: fc.constant("cache" as const), fails: fc.boolean() });
const unacked = fc.integer({ min: 0, max: 3 });
const kill = fc.record({ kind: fc.constant("kill" as const), unacked });
const lose = fc.record({ kind: fc.constant("lose" as const), unacked });
const stop = fc.record({ kind: fc.constant("stop" as const) });

/** What a user's messages are, each once, in the order in which Turn took them first. */
function firstTaken({ taken }: Model, user: string): string[] {
  return [...new Set(taken.filter((id) => id.startsWith(`${user}-`)))];
}

async function play(happenings: readonly Happening[]): Promise<void> {
  await using model = new Model();
  for (const happening of happenings) await model.happen(happening);
  await model.end();
  assert.deepEqual([model.parked, model.dropped], [[], []]);
  for (const [user, ids] of model.written) {
    assert.deepEqual(firstTaken(model, user), ids, "in order, none lost");
  }
  const all = [...model.written.values()].flat();
  if (model.deaths === 0) assert.equal(model.taken.length, all.length, "twice without a death");
}

/** What was in work at five ends of the program is parked. */
function withFewKills(happenings: readonly Happening[]): Happening[] {
  let kills = 0;
  return happenings.filter(({ kind }) => kind !== "kill" || kills++ < 3);
}

function history(...rare: fc.Arbitrary<Happening>[]): fc.Arbitrary<Happening[]> {
  const one = fc.oneof(
    { weight: 6, arbitrary: write },
    { weight: 5, arbitrary: pass },
    { weight: 3, arbitrary: turn },
    ...rare.map((arbitrary) => ({ weight: 1, arbitrary })),
  );
  return fc.array(one, { maxLength: 40, size: "max" }).map(withFewKills);
}

Deno.test("Delivery: what is killed, stopped and held for too long stays in its user's order", async () => {
  await fc.assert(fc.asyncProperty(history(kill, kill, lose, stop), play), {
    numRuns: NUM_RUNS,
  });
});

Deno.test("Delivery: what a failing cache holds up stays in its user's order", async () => {
  await fc.assert(fc.asyncProperty(history(cache, cache, lose), play), {
    numRuns: NUM_RUNS,
  });
});

Deno.test("Delivery: nothing is taken twice, nor out of order, however long Turn is down", async () => {
  await fc.assert(fc.asyncProperty(history(), play), {
    numRuns: NUM_RUNS,
  });
});
