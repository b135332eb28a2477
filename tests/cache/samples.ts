/**
 * What the tests of the cache keep in it.
 *
 * @module
 */

import * as fc from "fast-check";
import type { Note, Remembered } from "../../src/cache/mod.ts";

/** A message as the cache is handed it. */
export function remembered(fields: Partial<Remembered> = {}): Remembered {
  return {
    message_id: "m1",
    to_addr: "*120*8864#",
    from_addr: "+27831234567",
    transport_name: "ussd_transport",
    transport_type: "ussd",
    timestamp: "2026-01-02 03:04:05.678901",
    in_reply_to: null,
    provider: "mtn",
    group: null,
    session_event: "new",
    transport_metadata: { session: { id: "s1", hops: [1, 2] } },
    ...fields,
  };
}

/** A message of exactly `size` bytes as JSON in UTF-8, filled with `letter`. */
export function rememberedOfSize(size: number, letter: string, id = "m1"): Remembered {
  const message = (filling: string) =>
    remembered({ message_id: id, transport_metadata: { filling } });
  return message(letter.repeat(size - JSON.stringify(message("")).length));
}

/** A note as the cache is handed it. */
export function note(fields: Partial<Note> = {}): Note {
  return { kind: "told", id: "m1", value: "delivered", ttlMs: 60_000, ...fields };
}

/** Any sequence of UTF-16 code units, and those that stores stumble over. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 80 })
    .map((units) => String.fromCharCode(...units)),
  fc.string({ unit: "grapheme", maxLength: 80 }),
  fc.constantFrom("", " ", "\0", "\0\0", "__proto__", "constructor", "v1", "inbound", "chunk"),
  fc.constantFrom("\ud800", "\udc00", "\ud801", "\ufffd", "é", "e\u0301", "İ", "i"),
  fc.integer({ min: 60, max: 5000 }).map((length) => "9".repeat(length)),
  fc.integer({ min: 60, max: 5000 }).map((length) => "☎".repeat(length)),
);
