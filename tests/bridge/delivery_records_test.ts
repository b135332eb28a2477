import assert from "node:assert/strict";
import {
  eventKey,
  formatDelivered,
  formatToldRecord,
  NOTHING_TOLD,
  readDelivered,
  readToldRecord,
  type ToldEvent,
} from "../../src/bridge/delivery_records.ts";
import { MAX_NOTE_LENGTH } from "../../src/cache/mod.ts";

/** An event whose note is as long as can be. */
function longest(n: number): ToldEvent {
  const id = eventKey(`${n}`.padEnd(64, "x"));
  return { id, event: "delivered", status: "delivered", at: 9_999_999_999_999, attempts: 999_999 };
}

Deno.test("formatToldRecord() keeps eight events whatever they are, and fits into a note", () => {
  const events = Array.from({ length: 9 }, (_, n) => longest(n));
  const note = formatToldRecord({ progress: 3, events });
  assert.ok(note.length <= MAX_NOTE_LENGTH, `${note.length}`);
  assert.deepEqual(readToldRecord(note), { progress: 3, events: events.slice(1) });
});

Deno.test("formatToldRecord() keeps the operators' words, and fits into a note with those too", () => {
  const events = Array.from({ length: 8 }, (_, n) => ({ ...longest(n), word: "X".repeat(20) }));
  const note = formatToldRecord({ progress: 3, events });
  assert.ok(note.length <= MAX_NOTE_LENGTH, `${note.length}`);
  const read = readToldRecord(note);
  assert.ok(read.events.length >= 6);
  assert.deepEqual(read.events, events.slice(-read.events.length));
});

Deno.test("readToldRecord() knows what is not there, and how far a message was before there were events", () => {
  assert.deepEqual(readToldRecord(undefined), NOTHING_TOLD);
  assert.deepEqual(readToldRecord('{"progress":2,"eventIds":["e1"]}'), { progress: 2, events: [] });
});

Deno.test("readDelivered() reads what formatDelivered() wrote", () => {
  assert.deepEqual(readDelivered(formatDelivered({ at: 5, attempts: 2 })), { at: 5, attempts: 2 });
  assert.equal(readDelivered(undefined), undefined);
});
