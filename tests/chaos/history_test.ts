/**
 * The checker can fail: histories that lose, double, reorder and invent are told from good ones.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { count, type Counts, faultsIn, lateOf, type Put } from "./history.ts";

const put: readonly Put[] = [
  { id: "a1", user: "a" },
  { id: "b1", user: "b" },
  { id: "a2", user: "a" },
  { id: "b2", user: "b" },
];
const all = put.map(({ id }) => id);

const good: Counts = {
  put: 4,
  delivered: 4,
  parked: 0,
  lost: 0,
  duplicated: 0,
  recovered: 0,
  unexpected: 0,
  outOfOrder: 0,
  excused: 0,
  superseded: 0,
};

Deno.test("count() finds nothing wrong with a good history", () => {
  assert.deepEqual(count({ put, out: ["b1", "a1", "b2", "a2"] }), good);
  assert.deepEqual(faultsIn("inbound", good), []);
});

const CASES: Record<string, [Parameters<typeof count>[0], Partial<Counts>, string[]]> = {
  "one is lost": [
    { put, out: ["a1", "b1", "a2"] },
    { delivered: 3, lost: 1 },
    ["flow: 1 lost, at most 0 may be"],
  ],
  "one came twice, and once more": [
    { put, out: [...all, "a1", "a1"] },
    { duplicated: 2 },
    ["flow: 2 duplicated, at most 0 may be"],
  ],
  "one was put in twice and came twice": [
    {
      put: [...put.slice(1), { id: "a1", user: "a", copies: 2 }],
      out: ["b1", "a2", "a1", "a1", "b2"],
    },
    {},
    [],
  ],
  "one came and was parked too": [
    { put, out: all, parked: [{ id: "b1", reason: "400" }] },
    { parked: 1, duplicated: 1 },
    ["flow: 1 duplicated, at most 0 may be", "flow: 1 parked, at most 0 may be"],
  ],
  "one was parked and not lost": [
    { put, out: ["a1", "b1", "a2"], parked: [{ id: "b2", reason: "400" }] },
    { delivered: 3, parked: 1 },
    ["flow: 1 parked, at most 0 may be"],
  ],
  "one came that nobody put in": [
    { put, out: [...all, "c1", "c1"] },
    { unexpected: 1 },
    ["flow: 1 unexpected, at most 0 may be"],
  ],
  "one was parked that nobody put in": [
    { put, out: all, parked: [{ id: "c1", reason: "400" }] },
    { unexpected: 1 },
    ["flow: 1 unexpected, at most 0 may be"],
  ],
  "one came after a later one of its user": [
    { put, out: ["a2", "b1", "a1", "b2"] },
    { outOfOrder: 1 },
    ["flow: 1 outOfOrder, at most 0 may be"],
  ],
  "one came after a later one, as it may": [
    { put, out: ["a2", "b1", "a1", "b2"], mayBeLate: (id) => id === "a1" },
    { outOfOrder: 1, excused: 1 },
    [],
  ],
  "nobody knows whether one was put in, and it did not come": [
    { put: put.map((one) => ({ ...one, certain: one.id !== "a2" })), out: ["a1", "b1", "b2"] },
    { delivered: 3 },
    [],
  ],
  "nobody knew whether one was put in, and it came": [
    { put: put.map((one) => ({ ...one, certain: one.id !== "a2" })), out: all },
    { recovered: 1 },
    [],
  ],
  "one came after an attempt without an answer": [
    { put, out: all, unanswered: new Set(["b1"]) },
    { recovered: 1 },
    [],
  ],
  "one was left out for a later one": [
    {
      put: put.map((one) => one.id === "a1" ? { ...one, supersededBy: "a2" } : one),
      out: ["b1", "b2", "a2"],
    },
    { delivered: 3, superseded: 1 },
    [],
  ],
  "one was left out for a later one that did not come either": [
    {
      put: put.map((one) => one.id === "a1" ? { ...one, supersededBy: "a2" } : one),
      out: ["b1", "b2"],
    },
    { delivered: 2, lost: 2 },
    ["flow: 2 lost, at most 0 may be"],
  ],
};

for (const [label, [history, counts, faults]] of Object.entries(CASES)) {
  Deno.test(`count(): ${label}`, () => {
    const counted = count(history);
    assert.deepEqual(counted, { ...good, ...counts });
    assert.deepEqual(faultsIn("flow", counted), faults);
  });
}

Deno.test("faultsIn() allows as much as it is told", () => {
  const counted = count({ put, out: [...all, "a1"] });
  assert.deepEqual(faultsIn("flow", counted, { duplicated: 1 }), []);
  assert.equal(faultsIn("flow", counted, { lost: 1 }).length, 1);
});

Deno.test("faultsIn() takes a history of nothing for a fault", () => {
  assert.deepEqual(faultsIn("flow", count({ put: [], out: [] })), ["flow: nothing was put in"]);
});

/** Messages of some users, and any shuffle of them that keeps each user's order. */
const orderly = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 40 })
  .chain((users) => {
    const sent = users.map((user, place) => ({ id: `${user}${place}`, user }));
    return fc.array(fc.nat(), { minLength: users.length, maxLength: users.length })
      .map((turns) => ({ sent, out: merge(sent, turns) }));
  });

function merge(sent: readonly Put[], turns: readonly number[]): string[] {
  const queues = [...Map.groupBy(sent, ({ user }) => user).values()].map((queue) => [...queue]);
  return turns.map((turn) => {
    const open = queues.filter((queue) => queue.length > 0);
    return open[turn % open.length]?.shift()?.id ?? assert.fail();
  });
}

Deno.test("count() accepts any interleaving of users, and finds any loss and any copy in it", () => {
  fc.assert(fc.property(orderly, fc.nat(), ({ sent, out }, which) => {
    assert.deepEqual(faultsIn("flow", count({ put: sent, out })), []);
    const at = which % out.length;
    const id = out[at] ?? assert.fail();
    assert.equal(count({ put: sent, out: out.toSpliced(at, 1) }).lost, 1);
    assert.equal(count({ put: sent, out: [...out, id] }).duplicated, 1);
    assert.equal(count({ put: sent.filter((one) => one.id !== id), out }).unexpected, 1);
  }));
});

Deno.test("lateOf() finds any two of one user that changed places, and no two of different ones", () => {
  fc.assert(fc.property(orderly, fc.nat(), fc.nat(), ({ sent, out }, one, other) => {
    const [first, second] = [one % out.length, other % out.length].sort((a, b) => a - b);
    const [early, late] = [out[first ?? 0] ?? "", out[second ?? 0] ?? ""];
    const swapped = out.map((id) => id === early ? late : id === late ? early : id);
    const isFound = lateOf({ put: sent, out: swapped }).length > 0;
    if (early === late) assert.ok(!isFound);
    else if (early[0] === late[0]) assert.ok(isFound);
    else if (second === (first ?? 0) + 1) assert.ok(!isFound);
  }));
});

Deno.test("lateOf() judges by the first time that each came", () => {
  assert.deepEqual(lateOf({ put, out: ["a1", "a2", "a1", "b1", "b2"] }), []);
});
