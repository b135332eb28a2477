import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { Groups } from "../../../src/cache/deno_kv/groups.ts";

/** A store that knows each text's capitals, whose calls the test ends one by one. */
function open() {
  const calls: string[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const group = new Groups<string, string>({
    answer: (keys) => {
      calls.push(keys.join());
      return new Promise((resolve, reject) =>
        ends.push((error) => error ? reject(error) : resolve(keys.map((key) => key.toUpperCase())))
      );
    },
    take: () => 3,
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

/** What became of questions so far, in their order. */
function watch(asked: readonly Promise<string>[]): string[] {
  const outcomes = asked.map(() => "pending");
  asked.forEach((answer, index) => {
    answer.then((value) => outcomes[index] = value, (error) => outcomes[index] = error.message);
  });
  return outcomes;
}

Deno.test("Groups answers what is asked for in one turn together", async () => {
  const { group, calls, end } = open();
  const outcomes = watch([group.ask("a"), group.ask("b")]);
  await settle();
  assert.deepEqual(calls, ["a,b"]);
  assert.deepEqual(outcomes, ["pending", "pending"]);
  await end();
  assert.deepEqual(outcomes, ["A", "B"]);
});

Deno.test("Groups answers what is asked for meanwhile in calls of their own, one at a time", async () => {
  const { group, calls, end } = open();
  const outcomes = watch([group.ask("a")]);
  await settle();
  const later = watch(["b", "c", "d", "e"].map((key) => group.ask(key)));
  assert.deepEqual(calls, ["a"]);
  await end();
  assert.deepEqual([outcomes, calls], [["A"], ["a", "b,c,d"]]);
  await end();
  assert.deepEqual([later, calls], [["B", "C", "D", "pending"], ["a", "b,c,d", "e"]]);
  await end();
  assert.deepEqual(later, ["B", "C", "D", "E"]);
});

Deno.test("Groups begins anew after it was idle, also for a question asked before", async () => {
  const { group, calls, end } = open();
  group.ask("a");
  await settle();
  await end();
  const outcomes = watch([group.ask("a")]);
  await settle();
  await end();
  assert.deepEqual([outcomes, calls], [["A"], ["a", "a"]]);
});

Deno.test("Groups rejects all questions of a call that fails, and no others", async () => {
  const { group, end } = open();
  const outcomes = watch(["a", "b", "c", "d"].map((key) => group.ask(key)));
  await settle();
  await end(new Error("disk fault"));
  assert.deepEqual(outcomes, ["disk fault", "disk fault", "disk fault", "pending"]);
  await end();
  assert.deepEqual(outcomes.at(-1), "D");
});

Deno.test("Groups waits for those who ask in the next turns of the event loop, if it is to", async () => {
  const calls: string[] = [];
  const answer = (keys: readonly string[]) => {
    calls.push(keys.join());
    return Promise.resolve(keys);
  };
  const group = new Groups<string, string>({ answer, take: () => 9, turns: 2 });
  const askLater = (key: string) =>
    new Promise((resolve) => setImmediate(() => resolve(group.ask(key))));
  await Promise.all([group.ask("a"), askLater("b"), askLater("c")]);
  assert.deepEqual(calls, ["a,b,c"]);
  await group.ask("d");
  assert.deepEqual(calls, ["a,b,c", "d"]);
});
