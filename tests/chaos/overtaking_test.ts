/**
 * Who may be late, and who was too soon, is told from calls.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Call, overtaking, type Place } from "./overtaking.ts";
import { below, newId, randomOf, weighted } from "./random.ts";

const places: readonly Place[] = [
  { id: "a1", user: "a", at: 0 },
  { id: "a2", user: "a", at: 0 },
  { id: "b1", user: "b", at: 0 },
];

function call(id: string, at: number, settled: boolean, mayRepeat = false): Call {
  return { id, at, endedAt: at + 1, settled, mayRepeat };
}

function judge(calls: readonly Call[], sent = places): { delayed: string[]; tooSoon: string[] } {
  const options = { places: sent, calls, quickAttempts: 2, firstDelayMs: 500, slackMs: 50 };
  const { delayed, tooSoon } = overtaking(options);
  return { delayed: [...delayed], tooSoon: [...tooSoon] };
}

Deno.test("overtaking(): whoever succeeds, or is refused, within the quick attempts is not delayed", () => {
  const calls = [call("a1", 0, false), call("a1", 2, true), call("a2", 4, true)];
  assert.deepEqual(judge(calls), { delayed: [], tooSoon: [] });
});

Deno.test("overtaking(): who is called about while an earlier one waits was too soon", () => {
  const calls = [
    call("a1", 0, false),
    call("a1", 2, false),
    call("a2", 200, true),
    call("b1", 9, true),
  ];
  assert.deepEqual(judge([...calls, call("a1", 510, true)]), {
    delayed: ["a1", "a2"],
    tooSoon: ["a2"],
  });
});

Deno.test("overtaking(): who comes when the first delay is over was not too soon, but may be late", () => {
  const calls = [call("a1", 0, false), call("a1", 2, false), call("a1", 510, false)];
  assert.deepEqual(judge([...calls, call("a2", 520, true)]), {
    delayed: ["a1", "a2"],
    tooSoon: [],
  });
});

Deno.test("overtaking(): who was put in when the first delay was over may not be late", () => {
  const sent = places.map((place) => place.id === "a2" ? { ...place, at: 600 } : place);
  const calls = [call("a1", 0, false), call("a1", 2, false), call("a1", 510, true)];
  assert.deepEqual(judge([...calls, call("a2", 610, true)], sent).delayed, ["a1"]);
});

Deno.test("overtaking(): who fails after waiting for another is not waited for again", () => {
  const sent = [...places, { id: "a3", user: "a", at: 0 }];
  const first = [call("a1", 0, false), call("a1", 2, false), call("a1", 510, true)];
  const second = [call("a2", 520, false), call("a2", 522, false), call("a2", 1030, true)];
  assert.deepEqual(judge([...first, ...second, call("a3", 700, true)], sent), {
    delayed: ["a1", "a2", "a3"],
    tooSoon: [],
  });
});

Deno.test("overtaking(): nothing is said of one that may not have been delayed", () => {
  const quick = [call("a1", 0, false, true), call("a1", 2, false), call("a1", 4, true)];
  assert.deepEqual(judge([...quick, call("a2", 200, true)]).tooSoon, []);
  const unsure = [call("a1", 0, false, true), call("a1", 2, false), call("a2", 200, true)];
  assert.deepEqual(judge([...unsure, call("a1", 900, true)]).tooSoon, []);
});

Deno.test("randomOf() gives the same numbers for the same seed and label, and others for others", () => {
  const numbers = (seed: number, label: string): number[] => {
    const random = randomOf(seed, label);
    return Array.from({ length: 5 }, random);
  };
  assert.deepEqual(numbers(7, "x"), numbers(7, "x"));
  assert.notDeepEqual(numbers(7, "x"), numbers(8, "x"));
  assert.notDeepEqual(numbers(7, "x"), numbers(7, "y"));
  const many = randomOf(1, "spread");
  const buckets = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const bucket = below(many, 10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  assert.ok(buckets.every((size) => size > 850 && size < 1150), `${buckets}`);
  assert.match(newId(many), /^[0-9a-f]{32}$/);
  assert.equal(weighted(many, { never: 0, always: 1 }), "always");
});
