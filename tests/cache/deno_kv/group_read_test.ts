import assert from "node:assert/strict";
import { GroupRead } from "../../../src/cache/deno_kv/group_read.ts";

/** A store that knows each text's capitals, whose calls the test ends one by one. */
function open() {
  const calls: string[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const group = new GroupRead<string, string>({
    read: (keys) => {
      calls.push(keys.join());
      return new Promise((resolve, reject) =>
        ends.push((error) => error ? reject(error) : resolve(keys.map((key) => key.toUpperCase())))
      );
    },
    maxKeys: 3,
  });
  const end = async (error?: Error) => {
    const next = ends.shift();
    assert.ok(next, "no call under way");
    next(error);
    await settle();
  };
  return { group, calls, end };
}

/** Lets all promises that can settle do so: they take microtasks, this one macrotask. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** What became of reads so far, in their order. */
function watch(reads: readonly Promise<string>[]): string[] {
  const outcomes = reads.map(() => "pending");
  reads.forEach((read, index) => {
    read.then((value) => outcomes[index] = value, (error) => outcomes[index] = error.message);
  });
  return outcomes;
}

Deno.test("GroupRead reads what is asked for in one turn together", async () => {
  const { group, calls, end } = open();
  const outcomes = watch([group.read("a"), group.read("b")]);
  await settle();
  assert.deepEqual(calls, ["a,b"]);
  assert.deepEqual(outcomes, ["pending", "pending"]);
  await end();
  assert.deepEqual(outcomes, ["A", "B"]);
});

Deno.test("GroupRead reads what is asked for meanwhile in calls of their own, one at a time", async () => {
  const { group, calls, end } = open();
  const outcomes = watch([group.read("a")]);
  await settle();
  const later = watch(["b", "c", "d", "e"].map((key) => group.read(key)));
  assert.deepEqual(calls, ["a"]);
  await end();
  assert.deepEqual([outcomes, calls], [["A"], ["a", "b,c,d"]]);
  await end();
  assert.deepEqual([later, calls], [["B", "C", "D", "pending"], ["a", "b,c,d", "e"]]);
  await end();
  assert.deepEqual(later, ["B", "C", "D", "E"]);
});

Deno.test("GroupRead begins anew after it was idle, also for a key read before", async () => {
  const { group, calls, end } = open();
  group.read("a");
  await settle();
  await end();
  const outcomes = watch([group.read("a")]);
  await settle();
  await end();
  assert.deepEqual([outcomes, calls], [["A"], ["a", "a"]]);
});

Deno.test("GroupRead rejects all reads of a call that fails, and no others", async () => {
  const { group, end } = open();
  const outcomes = watch(["a", "b", "c", "d"].map((key) => group.read(key)));
  await settle();
  await end(new Error("disk fault"));
  assert.deepEqual(outcomes, ["disk fault", "disk fault", "disk fault", "pending"]);
  await end();
  assert.deepEqual(outcomes.at(-1), "D");
});
