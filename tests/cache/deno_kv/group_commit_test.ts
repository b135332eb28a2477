import assert from "node:assert/strict";
import * as fc from "fast-check";
import { groupCommit } from "../../../src/cache/deno_kv/group_commit.ts";

/** A store whose commits the test ends one by one; items are texts, as large as they are long. */
class Store {
  readonly commits: string[] = [];
  readonly #ends: PromiseWithResolvers<void>[] = [];
  readonly group = groupCommit<string>({
    commit: (items) => {
      this.commits.push(items.join());
      const end = Promise.withResolvers<void>();
      this.#ends.push(end);
      return end.promise;
    },
    sizeOf: (item) => item.length,
    maxItems: 4,
    maxBytes: 10,
  });

  /** Ends the commit under way, with an error if given, and lets its outcome take effect. */
  async end(error?: Error): Promise<void> {
    const end = this.#ends.shift();
    assert.ok(end, "no commit under way");
    if (error === undefined) end.resolve();
    else end.reject(error);
    await settle();
  }
}

/** Lets all promises that can settle do so: they take microtasks, and a few turns of the event loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** The outcomes of promises so far, in their order. */
function watch(promises: readonly Promise<void>[]): string[] {
  const outcomes = promises.map(() => "pending");
  promises.forEach((promise, index) => {
    promise.then(() => outcomes[index] = "done", (error) => outcomes[index] = error.message);
  });
  return outcomes;
}

/** Asks for the first write, and for the others while that is under way; what becomes of each. */
async function write(
  group: Store["group"],
  [first = [], ...others]: readonly (readonly string[])[],
): Promise<string[]> {
  const asked = [group.ask(first)];
  await settle();
  return watch([...asked, ...others.map((items) => group.ask(items))]);
}

Deno.test("groupCommit() commits a first write at once, with what is asked for in its turn", async () => {
  const { group, commits, ...store } = open();
  const outcomes = watch([group.ask(["a", "b"]), group.ask(["c"])]);
  await settle();
  assert.deepEqual(commits, ["a,b,c"]);
  assert.deepEqual(outcomes, ["pending", "pending"]);
  await store.end();
  assert.deepEqual(outcomes, ["done", "done"]);
});

Deno.test("groupCommit() says that a write is done when its commit is, not before", async () => {
  const { group, commits, ...store } = open();
  const outcomes = await write(group, [["a", "b"]]);
  assert.deepEqual(commits, ["a,b"]);
  assert.deepEqual(outcomes, ["pending"]);
  await store.end();
  assert.deepEqual(outcomes, ["done"]);
});

Deno.test("groupCommit() commits what arrives meanwhile together, in order", async () => {
  const { group, commits, ...store } = open();
  const outcomes = await write(group, [["a"], ["b", "c"], ["d"]]);
  assert.deepEqual(commits, ["a"]);
  await store.end();
  assert.deepEqual(commits, ["a", "b,c,d"]);
  assert.deepEqual(outcomes, ["done", "pending", "pending"]);
  await store.end();
  assert.deepEqual(outcomes, ["done", "done", "done"]);
  assert.deepEqual(commits, ["a", "b,c,d"]);
});

Deno.test("groupCommit() begins anew after it was idle", async () => {
  const { group, commits, ...store } = open();
  await write(group, [["a"]]);
  await store.end();
  const outcomes = await write(group, [["b"]]);
  assert.deepEqual(commits, ["a", "b"]);
  await store.end();
  assert.deepEqual(outcomes, ["done"]);
});

Deno.test("groupCommit() takes no more than maxItems a commit, and splits no write for it", async () => {
  const { group, commits, ...store } = open();
  const outcomes = await write(group, [["a"], ["b", "c"], ["d"], ["e", "f"], ["g"]]);
  for (let commit = 0; commit < 3; commit++) await store.end();
  assert.deepEqual(commits, ["a", "b,c,d", "e,f,g"]);
  assert.deepEqual(new Set(outcomes), new Set(["done"]));
});

Deno.test("groupCommit() takes no more than maxBytes a commit, and splits no write for it", async () => {
  const { group, commits, ...store } = open();
  const writes = [["a"], ["bbbb"], ["ccc", "dddd"], ["ee"], ["f"]];
  const outcomes = await write(group, writes);
  for (let commit = 0; commit < 3; commit++) await store.end();
  assert.deepEqual(commits, ["a", "bbbb", "ccc,dddd,ee,f"]);
  assert.deepEqual(new Set(outcomes), new Set(["done"]));
});

Deno.test("groupCommit() gives a write too large for one commit several for itself, filled from the end", async () => {
  const { group, commits, ...store } = open();
  const large = ["bbbbbb", "cccccc", "d", "e", "f", "g"];
  const outcomes = await write(group, [["a"], large, ["h"]]);
  await store.end();
  await store.end();
  await store.end();
  assert.deepEqual(commits, ["a", "bbbbbb", "cccccc", "d,e,f,g"]);
  assert.deepEqual(outcomes, ["done", "pending", "pending"]);
  await store.end();
  assert.deepEqual(outcomes, ["done", "done", "pending"]);
  await store.end();
  assert.deepEqual(commits.at(-1), "h");
  assert.deepEqual(outcomes, ["done", "done", "done"]);
});

Deno.test("groupCommit() rejects all writes of a group that fails, and no others", async () => {
  const { group, commits, ...store } = open();
  const outcomes = await write(group, [["a"], ["b", "b"], ["c", "c"], ["d"]]);
  await store.end();
  await store.end(new Error("disk full"));
  assert.deepEqual(outcomes, ["done", "disk full", "disk full", "pending"]);
  await store.end();
  assert.deepEqual(outcomes, ["done", "disk full", "disk full", "done"]);
  assert.deepEqual(commits, ["a", "b,b,c,c", "d"]);
});

Deno.test("groupCommit() commits nothing more of a large write after a part failed", async () => {
  const { group, commits, ...store } = open();
  const outcomes = await write(group, [["aaaaaa", "bbbbbb", "cccccc"], ["d"]]);
  await store.end();
  await store.end(new Error("disk full"));
  assert.deepEqual(outcomes, ["disk full", "pending"]);
  await store.end();
  assert.deepEqual(commits, ["aaaaaa", "bbbbbb", "d"]);
  assert.deepEqual(outcomes, ["disk full", "done"]);
});

Deno.test("groupCommit() can be waited for: for what is under way and queued, failing or not", async () => {
  const { group, ...store } = open();
  await group.idle();
  const writes = await write(group, [["a"], ["b"]]);
  const idle = watch([group.idle()]);
  await store.end(new Error("disk full"));
  assert.deepEqual(idle, ["pending"]);
  await store.end();
  assert.deepEqual(idle, ["done"]);
  assert.deepEqual(writes, ["disk full", "done"]);
});

Deno.test("groupCommit() makes no commit of writes without items", async () => {
  const { group, commits, ...store } = open();
  await group.ask([]);
  const outcomes = await write(group, [["a"], [], []]);
  await store.end();
  assert.deepEqual(outcomes, ["done", "done", "done"]);
  assert.deepEqual(commits, ["a"]);
});

Deno.test("groupCommit() keeps order, limits and one commit at a time for any writes", async () => {
  const writes = fc.array(fc.array(fc.string({ maxLength: 10 }), { maxLength: 9 }));
  await fc.assert(fc.asyncProperty(writes, async (all) => {
    const commits: (readonly string[])[] = [];
    let underWay = 0;
    const group = groupCommit<string>({
      commit: async (items) => {
        assert.equal(underWay++, 0);
        commits.push(items);
        await Promise.resolve();
        underWay--;
      },
      sizeOf: (item) => item.length,
      maxItems: 4,
      maxBytes: 10,
    });
    await Promise.all(all.map((items) => group.ask(items)));
    assert.deepEqual(commits.flat(), all.flat());
    for (const items of commits) {
      assert.ok(items.length >= 1 && items.length <= 4);
      assert.ok(items.join("").length <= 10);
    }
  }));
});

function open() {
  const store = new Store();
  const end = (error?: Error) => store.end(error);
  return { group: store.group, commits: store.commits, end };
}
