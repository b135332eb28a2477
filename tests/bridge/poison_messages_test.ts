import assert from "node:assert/strict";
import { POISON_AT, PoisonMessages } from "../../src/bridge/poison_messages.ts";
import { CacheError } from "../../src/cache/mod.ts";
import { FlakyCache, settle } from "./support.ts";

/** Works on a message, watched. */
async function watch<T>(
  poison: PoisonMessages,
  id: string,
  crashes: number,
  work: () => Promise<T>,
): Promise<T> {
  await using _watch = await poison.watch(id, crashes);
  return await work();
}

/** The program that works on one message is killed: nothing after that happens. */
async function killOver(cache: FlakyCache, id: string): Promise<void> {
  const { promise: never } = Promise.withResolvers<string>();
  const poison = new PoisonMessages(cache);
  let hasBegun = false;
  void watch(poison, id, await poison.crashes(id), () => {
    hasBegun = true;
    return never;
  });
  await settle();
  assert.ok(hasBegun);
}

const works = (): Promise<string> => Promise.resolve("works");

Deno.test("PoisonMessages.crashes() of the message that has ended the program five times", async () => {
  await using cache = new FlakyCache();
  const poison = new PoisonMessages(cache);
  // Once without us: when it comes for the first time it is not watched.
  for (let crashes = 1; crashes < 5; crashes++) {
    assert.equal(await poison.crashes("m1"), crashes);
    assert.ok(crashes < POISON_AT);
    await killOver(cache, "m1");
  }
  assert.equal(await poison.crashes("m1"), 5);
  assert.equal(POISON_AT, 5);
});

Deno.test("PoisonMessages.forget() begins again", async () => {
  await using cache = new FlakyCache();
  await killOver(cache, "m1");
  const poison = new PoisonMessages(cache);
  assert.equal(await poison.crashes("m1"), 2);
  await poison.forget("m1");
  assert.equal(await poison.crashes("m1"), 1);
});

Deno.test("PoisonMessages.watch() does not count an end while the message waits after the work", async () => {
  await using cache = new FlakyCache();
  await killOver(cache, "m1");
  for (let n = 0; n < 9; n++) {
    // It is worked on, waits, and the program ends.
    const poison = new PoisonMessages(cache);
    assert.equal(await watch(poison, "m1", await poison.crashes("m1"), works), "works");
    assert.equal(await poison.crashes("m1"), 2);
  }
  const failing = () => Promise.reject(new CacheError("full"));
  await assert.rejects(watch(new PoisonMessages(cache), "m1", 2, failing), CacheError);
  assert.equal(await new PoisonMessages(cache).crashes("m1"), 2);
});

Deno.test("PoisonMessages.watch() does one at a time of those in work at two crashes, so blames no other", async () => {
  await using cache = new FlakyCache();
  for (const id of ["poison", "b", "c"]) await killOver(cache, id);
  const poison = new PoisonMessages(cache);
  const { promise: never } = Promise.withResolvers<string>();
  void watch(poison, "poison", 2, () => never);
  const begun: string[] = [];
  for (const id of ["b", "c"]) {
    void watch(poison, id, 2, () => {
      begun.push(id);
      return works();
    });
  }
  await settle();
  assert.deepEqual(begun, []);
  // The others have 2 crashes still, the other one has 3.
  const next = new PoisonMessages(cache);
  for (const [id, crashes] of [["poison", 3], ["b", 2], ["c", 2]] as const) {
    assert.equal(await next.crashes(id), crashes);
  }
});

Deno.test("PoisonMessages.watch() goes on with the next one when work on one throws", async () => {
  await using cache = new FlakyCache();
  const poison = new PoisonMessages(cache);
  const failed = watch(poison, "a", 2, () => Promise.reject(new TypeError("bug")));
  const next = watch(poison, "b", 2, works);
  await assert.rejects(failed, TypeError);
  assert.equal(await next, "works");
});

Deno.test("PoisonMessages.watch() does not begin if it can't be written down first", async () => {
  await using cache = new FlakyCache();
  cache.failing.add("putNotes");
  const work = () => assert.fail("begun");
  await assert.rejects(watch(new PoisonMessages(cache), "m1", 1, work), CacheError);
  cache.failing.add("getNote");
  await assert.rejects(new PoisonMessages(cache).crashes("m1"), CacheError);
});

Deno.test("PoisonMessages.watch() tells what the work came to, also if that can't be written down", async () => {
  await using cache = new FlakyCache();
  const poison = new PoisonMessages(cache);
  const work = () => {
    cache.failing.add("putNotes").add("deleteNote");
    return works();
  };
  assert.equal(await watch(poison, "m1", 1, work), "works");
  await poison.forget("m1");
});

Deno.test("PoisonMessages.takeReleased() has what was put back with it, once", async () => {
  await using cache = new FlakyCache();
  const poison = new PoisonMessages(cache);
  assert.equal(poison.takeReleased("m1"), undefined);
  const released = { failures: 2, isBegun: true };
  poison.release("m1", released);
  assert.deepEqual(poison.takeReleased("m1"), released);
  assert.equal(poison.takeReleased("m1"), undefined);
});

Deno.test("PoisonMessages.release() remembers the last 10,000", async () => {
  await using cache = new FlakyCache();
  const poison = new PoisonMessages(cache);
  for (let n = 0; n <= 10_000; n++) poison.release(`${n}`, { failures: n, isBegun: false });
  const known = ["0", "1", "10000"].map((id) => poison.takeReleased(id)?.failures);
  assert.deepEqual(known, [undefined, 1, 10_000]);
});
