import assert from "node:assert/strict";
import { CrashCounts } from "../../src/bridge/crash_counts.ts";
import { POISON_AT, PoisonMessages } from "../../src/bridge/poison_messages.ts";
import type { Handover } from "../../src/vumi/mod.ts";
import { settle, TestHandover } from "./support.ts";

/** What a program knows that has just been started. */
function started(handover: Handover): PoisonMessages {
  const counts = new CrashCounts();
  counts.takeOver(handover);
  return new PoisonMessages(counts);
}

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
async function killOver(handover: TestHandover, id: string): Promise<void> {
  const { promise: never } = Promise.withResolvers<string>();
  const poison = started(handover);
  let hasBegun = false;
  void watch(poison, id, poison.crashes(id), () => {
    hasBegun = true;
    return never;
  });
  await settle();
  assert.ok(hasBegun);
}

const works = (): Promise<string> => Promise.resolve("works");

Deno.test("PoisonMessages.crashes() of the message that has ended the program five times", async () => {
  const handover = new TestHandover();
  // Once without us: when it comes for the first time it is not watched.
  for (let crashes = 1; crashes < 5; crashes++) {
    assert.equal(started(handover).crashes("m1"), crashes);
    assert.ok(crashes < POISON_AT);
    await killOver(handover, "m1");
  }
  assert.equal(started(handover).crashes("m1"), 5);
  assert.equal(POISON_AT, 5);
});

Deno.test("PoisonMessages.forget() begins again", async () => {
  const handover = new TestHandover();
  await killOver(handover, "m1");
  const poison = started(handover);
  assert.equal(poison.crashes("m1"), 2);
  await poison.forget("m1");
  assert.equal(poison.crashes("m1"), 1);
});

Deno.test("PoisonMessages.watch() does not count an end while the message waits after the work", async () => {
  const handover = new TestHandover();
  await killOver(handover, "m1");
  for (let n = 0; n < 9; n++) {
    // It is worked on, waits, and the program ends.
    const poison = started(handover);
    assert.equal(await watch(poison, "m1", poison.crashes("m1"), works), "works");
    assert.equal(poison.crashes("m1"), 2);
  }
  const failing = () => Promise.reject(new TypeError("bug"));
  await assert.rejects(watch(started(handover), "m1", 2, failing), TypeError);
  assert.equal(started(handover).crashes("m1"), 2);
});

Deno.test("PoisonMessages.watch() does one at a time of those in work at two crashes, so blames no other", async () => {
  const handover = new TestHandover();
  for (const id of ["poison", "b", "c"]) await killOver(handover, id);
  const poison = started(handover);
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
  const next = started(handover);
  for (const [id, crashes] of [["poison", 3], ["b", 2], ["c", 2]] as const) {
    assert.equal(next.crashes(id), crashes);
  }
});

Deno.test("PoisonMessages.watch() goes on with the next one when work on one throws", async () => {
  const handover = new TestHandover();
  const poison = started(handover);
  const failed = watch(poison, "a", 2, () => Promise.reject(new TypeError("bug")));
  const next = watch(poison, "b", 2, works);
  await assert.rejects(failed, TypeError);
  assert.equal(await next, "works");
});

Deno.test("PoisonMessages.watch() does not begin before its count is safe, or that takes too long", async () => {
  const safe = Promise.withResolvers<boolean>();
  const texts: string[] = [];
  const leave = (text: string) => {
    texts.push(text);
    return safe.promise;
  };
  const poison = started({ left: "", leave });
  let hasBegun = false;
  const watched = watch(poison, "m1", 1, () => {
    hasBegun = true;
    return works();
  });
  await settle();
  assert.deepEqual([texts, hasBegun], [['[["m1",2]]'], false]);
  safe.resolve(true);
  assert.equal(await watched, "works");

  const stuck = started({ left: "", leave: () => new Promise(() => {}) });
  assert.equal(await watch(stuck, "m1", 1, works), "works");
});

Deno.test("PoisonMessages.watch() leaves many counts with few writes, the newest last", async () => {
  const texts: string[] = [];
  const leave = async (text: string) => {
    await settle();
    texts.push(text);
    return true;
  };
  const poison = started({ left: "", leave });
  const ids = Array.from({ length: 50 }, (_, n) => `m${n}`);
  await Promise.all(ids.map((id) => watch(poison, id, 1, works)));
  await Promise.all(ids.map((id) => poison.forget(id)));
  assert.ok(texts.length < 10, `${texts.length} writes`);
  assert.equal(texts.at(-1), "[]");
});

Deno.test("CrashCounts leaves what it could not, when it speaks for the channel again", async () => {
  const handover = new TestHandover();
  const counts = new CrashCounts();
  counts.takeOver(handover);
  const poison = new PoisonMessages(counts);
  {
    await using _first = await poison.watch("m1", 1);
    await using _second = await poison.watch("m2", 1);
    await poison.forget("m3");
    // The connection is lost during the work.
    counts.takeOver({ left: handover.left, leave: () => Promise.resolve(false) });
  }
  await poison.forget("m2");
  assert.deepEqual(["m1", "m2"].map((id) => started(handover).crashes(id)), [2, 2]);
  counts.takeOver(handover);
  await settle();
  assert.deepEqual(["m1", "m2"].map((id) => started(handover).crashes(id)), [1, 1]);
  assert.equal(handover.left, '[["m1",1]]');
});

Deno.test("PoisonMessages takes what is not ours for nothing", () => {
  for (const left of ["", "{}", "?", '[1,["m1"],[2,3],["m2","4"]]']) {
    assert.equal(started({ left, leave: () => Promise.resolve(true) }).crashes("m1"), 1);
  }
});

Deno.test("CrashCounts keeps the last 1,000, and of an id its beginning", async () => {
  const handover = new TestHandover();
  const poison = started(handover);
  for (let n = 0; n <= 1_000; n++) void watch(poison, `${n}`, 1, works);
  await watch(poison, "a".repeat(1_000_000), 2, works);
  await settle();
  const next = started(handover);
  assert.deepEqual(["0", "1000"].map((id) => next.crashes(id)), [1, 1]);
  assert.equal(next.crashes("a".repeat(300)), 2);
  assert.ok(handover.left.length < 20_000);
});

Deno.test("PoisonMessages.takeReleased() has what was put back with it, once", () => {
  const handover = new TestHandover();
  const poison = started(handover);
  assert.equal(poison.takeReleased("m1"), undefined);
  const released = { failures: 2, isBegun: true };
  poison.release("m1", released);
  assert.deepEqual(poison.takeReleased("m1"), released);
  assert.equal(poison.takeReleased("m1"), undefined);
});

Deno.test("PoisonMessages.release() remembers the last 10,000", () => {
  const handover = new TestHandover();
  const poison = started(handover);
  for (let n = 0; n <= 10_000; n++) poison.release(`${n}`, { failures: n, isBegun: false });
  const known = ["0", "1", "10000"].map((id) => poison.takeReleased(id)?.failures);
  assert.deepEqual(known, [undefined, 1, 10_000]);
});
