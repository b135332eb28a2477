import assert from "node:assert/strict";
import {
  delayedListId,
  delayedNoteId,
  type DelayedRecord,
  formatDelayed,
  formatDelayedList,
  readDelayed,
  readDelayedList,
} from "../../src/bridge/delivery_records.ts";
import { MAX_NOTE_LENGTH } from "../../src/cache/mod.ts";
import { DELIVERED, headersOf, HOUR_MS, RETRY, TestDelivery } from "./delivery_support.ts";
import { settle } from "./support.ts";

const NOTE: DelayedRecord = {
  flow: "inbound",
  id: "m1",
  delayMs: 5_000,
  until: 1_795_507_205_000,
  attempts: 3,
  firstFailureAt: 1_795_507_200_000,
  reason: "Turn answered 500",
  user: "+266",
  about: undefined,
};

/** What the cache says that waits, of user +266. */
async function noted(test: TestDelivery, id: string) {
  await settle();
  const note = readDelayed(await test.cache.getNote("delayed", delayedNoteId("inbound", id)));
  const list = await test.cache.getNote("delayed_list", delayedListId({ user: "+266" }));
  return { note, listed: readDelayedList(list).map((entry) => entry.id) };
}

Deno.test("what is delayed is noted, with nothing of what Turn said, until it is back", async () => {
  await using test = new TestDelivery([
    ...Array(3).fill({ ...RETRY, said: "secret" }),
    { ...RETRY, afterMs: 60_000 },
    DELIVERED,
  ]);
  const first = await test.deliver("m1");
  const until = test.now + 5_000;
  const firstFailureAt = test.now;
  assert.deepEqual(await noted(test, "m1"), {
    note: { ...NOTE, until, firstFailureAt },
    listed: ["m1"],
  });
  // It is not forgotten when its time is over: its queue may be long.
  test.now += 7 * 24 * HOUR_MS;
  assert.deepEqual((await noted(test, "m1")).listed, ["m1"]);
  const second = await test.deliver("m1", { headers: headersOf(first) }, { retryForMs: Infinity });
  const again = await noted(test, "m1");
  assert.deepEqual(again.note, {
    ...NOTE,
    delayMs: 60_000,
    until: test.now + 60_000,
    attempts: 4,
    firstFailureAt,
  });
  assert.deepEqual(again.listed, ["m1"]);
  await test.deliver("m1", { headers: headersOf(second) });
  assert.deepEqual(await noted(test, "m1"), { note: undefined, listed: [] });
  assert.deepEqual(await test.cache.counts(), [
    "inbound delayed: 1",
    "inbound delayed: 1",
    "inbound delivered: 1",
    "inbound undelayed: 2",
  ]);
});

Deno.test("what waits behind a delayed one is noted too, and goes from the list by itself", async () => {
  await using test = new TestDelivery([RETRY, RETRY, RETRY, DELIVERED, DELIVERED]);
  const first = await test.deliver("m1");
  const second = await test.deliver("m2");
  const { note, listed } = await noted(test, "m2");
  assert.deepEqual(listed, ["m1", "m2"]);
  assert.deepEqual([note?.attempts, note?.firstFailureAt], [0, undefined]);
  assert.equal(note?.reason, "it waits behind an earlier message of the same user");
  await test.deliver("m1", { headers: headersOf(first) });
  assert.deepEqual(await noted(test, "m1"), { note: undefined, listed: ["m2"] });
  await test.deliver("m2", { headers: headersOf(second) });
  assert.deepEqual(await noted(test, "m2"), { note: undefined, listed: [] });
});

Deno.test("what is delayed at once is listed whole", async () => {
  await using test = new TestDelivery(Array(60).fill({ ...RETRY, fault: "message" }));
  const ids = Array.from({ length: 9 }, (_, n) => `m${n}`);
  const { getNote } = test.cache;
  test.cache.getNote = async (...args) => {
    const value = await getNote.apply(test.cache, args);
    await settle();
    return value;
  };
  const sent = ids.map((id) => test.deliver(id, {}, { key: id }));
  await Promise.all(sent);
  test.cache.getNote = getNote;
  assert.deepEqual((await noted(test, "m1")).listed.toSorted(), ids);
});

Deno.test("what is delayed is noted as well as can be when whose it is can't be found out", async () => {
  await using test = new TestDelivery([RETRY, RETRY, RETRY]);
  test.cache.failing.add("getOutbound");
  await test.deliver("m1", {}, { subject: { sentIds: ["m"] } });
  const { note, listed } = await noted(test, "m1");
  assert.deepEqual([note?.id, note?.user, listed], ["m1", undefined, []]);
});

Deno.test("formatDelayed() fits into a note, whatever ids, addresses and reasons are", () => {
  for (
    const text of ["x".repeat(5_000), "\u0000".repeat(140), '"'.repeat(150), "\ud800".repeat(99)]
  ) {
    const note = { ...NOTE, user: text, about: text, reason: text };
    const value = formatDelayed(note);
    assert.ok(value.length <= MAX_NOTE_LENGTH, `${value.length}`);
    const read = readDelayed(value);
    assert.deepEqual([read?.id, read?.attempts], ["m1", 3]);
  }
  assert.deepEqual(readDelayed(formatDelayed(NOTE)), NOTE);
  const event: DelayedRecord = { ...NOTE, flow: "status", about: "m", user: undefined };
  assert.deepEqual(readDelayed(formatDelayed(event)), event);
  assert.equal(readDelayed(undefined), undefined);
});

Deno.test("formatDelayedList() keeps the last ones, as many as fit", () => {
  const entry = (id: string) => ({ flow: "inbound", id, until: NOTE.until } as const);
  const short = Array.from({ length: 30 }, (_, n) => entry(`${n}`));
  assert.deepEqual(readDelayedList(formatDelayedList(short)), short.slice(-20));
  const long = Array.from({ length: 9 }, (_, n) => entry(`${n}`.repeat(400)));
  const value = formatDelayedList(long);
  assert.ok(value.length <= MAX_NOTE_LENGTH);
  assert.deepEqual(readDelayedList(value), long.slice(-2));
  assert.deepEqual(readDelayedList(undefined), []);
});

Deno.test("delayedNoteId() and delayedListId() keep messages, events, and users apart", () => {
  const ids = [
    delayedNoteId("inbound", "1"),
    delayedNoteId("status", "1"),
    delayedListId({ user: "1" }),
    delayedListId({ about: "1" }),
  ];
  assert.equal(new Set(ids).size, ids.length);
});
