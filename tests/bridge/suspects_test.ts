import assert from "node:assert/strict";
import { Suspects } from "../../src/bridge/suspects.ts";
import { CacheError } from "../../src/cache/mod.ts";
import { FlakyCache, settle } from "./support.ts";

/** The program that works on one message is killed: nothing after that happens. */
async function killOver(cache: FlakyCache, id: string): Promise<void> {
  const { promise: never } = Promise.withResolvers<string>();
  let hasBegun = false;
  void new Suspects(cache).watch(id, () => {
    hasBegun = true;
    return never;
  }, () => assert.fail("parked too early"));
  await settle();
  assert.ok(hasBegun);
}

const parked = (deaths: number): string => `parked after ${deaths}`;
const works = (): Promise<string> => Promise.resolve("works");

Deno.test("Suspects.watch() parks the message that has ended the program five times", async () => {
  await using cache = new FlakyCache();
  // Once without us: when it comes for the first time it is not watched.
  for (let deaths = 2; deaths <= 5; deaths++) await killOver(cache, "m1");
  const failing = () => assert.fail("worked on again");
  assert.equal(await new Suspects(cache).watch("m1", failing, parked), "parked after 5");
});

Deno.test("Suspects.watch() begins again when a message was parked, and sent again by a person", async () => {
  await using cache = new FlakyCache();
  for (let deaths = 2; deaths <= 5; deaths++) await killOver(cache, "m1");
  await new Suspects(cache).watch("m1", works, parked);
  assert.equal(await new Suspects(cache).watch("m1", works, parked), "works");
});

Deno.test("Suspects.watch() forgets it when the work ends, whatever it came to", async () => {
  await using cache = new FlakyCache();
  for (let deaths = 2; deaths <= 4; deaths++) await killOver(cache, "m1");
  assert.equal(await new Suspects(cache).watch("m1", works, parked), "works");
  assert.equal(await cache.getNote("suspect", "m1"), undefined);
});

Deno.test("Suspects.watch() does one at a time of those in work at two deaths, so blames no other", async () => {
  await using cache = new FlakyCache();
  for (const id of ["guilty", "b", "c"]) await killOver(cache, id);
  const suspects = new Suspects(cache);
  const { promise: never } = Promise.withResolvers<string>();
  void suspects.watch("guilty", () => never, parked);
  const begun: string[] = [];
  for (const id of ["b", "c"]) {
    void suspects.watch(id, () => {
      begun.push(id);
      return works();
    }, parked);
  }
  await settle();
  assert.deepEqual(begun, []);
  // The others have 2 deaths still, the guilty one has 3; and so on, until it is parked.
  await killOver(cache, "guilty");
  await killOver(cache, "guilty");
  const last = new Suspects(cache);
  assert.equal(await last.watch("guilty", works, parked), "parked after 5");
  for (const id of ["b", "c"]) {
    assert.equal(await cache.getNote("suspect", id), "2");
    assert.equal(await last.watch(id, works, parked), "works");
  }
});

Deno.test("Suspects.watch() goes on with the next one when work on one throws", async () => {
  await using cache = new FlakyCache();
  for (const id of ["a", "b"]) await killOver(cache, id);
  const suspects = new Suspects(cache);
  const failed = suspects.watch("a", () => Promise.reject(new TypeError("bug")), parked);
  const next = suspects.watch("b", works, parked);
  await assert.rejects(failed, TypeError);
  assert.equal(await next, "works");
});

Deno.test("Suspects.watch() does not begin if it can't be written down first", async () => {
  for (const method of ["getNote", "putNotes"] as const) {
    await using cache = new FlakyCache();
    cache.failing.add(method);
    const work = () => assert.fail("begun");
    await assert.rejects(new Suspects(cache).watch("m1", work, parked), CacheError);
  }
});

Deno.test("Suspects.watch() tells what the work came to, also if it can't be forgotten", async () => {
  await using cache = new FlakyCache();
  cache.failing.add("deleteNote");
  assert.equal(await new Suspects(cache).watch("m1", works, parked), "works");
  await cache.putNotes([{ kind: "suspect", id: "m2", value: "5", ttlMs: 1000 }]);
  assert.equal(await new Suspects(cache).watch("m2", works, parked), "parked after 5");
});

Deno.test("Suspects.takeFailures() has what was put back with them, once", async () => {
  await using cache = new FlakyCache();
  const suspects = new Suspects(cache);
  assert.equal(suspects.isCleared("m1"), false);
  suspects.clear("m1", 2);
  assert.equal(suspects.isCleared("m1"), true);
  assert.equal(suspects.takeFailures("m1"), 2);
  assert.equal(suspects.isCleared("m1"), false);
  assert.equal(suspects.takeFailures("m1"), 0);
});

Deno.test("Suspects.clear() remembers the last 10,000", async () => {
  await using cache = new FlakyCache();
  const suspects = new Suspects(cache);
  for (let n = 0; n <= 10_000; n++) suspects.clear(`${n}`, 0);
  assert.deepEqual(["0", "1", "10000"].map((id) => suspects.isCleared(id)), [false, true, true]);
});
