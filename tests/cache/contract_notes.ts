/**
 * What every {@linkcode MessageCache} must do with notes; a part of contract.ts.
 *
 * @module
 */

import assert from "node:assert/strict";
import * as fc from "fast-check";
import { MAX_NOTE_LENGTH, MAX_NOTES, type NoteKind } from "../../src/cache/mod.ts";
import { Clock, type Open } from "./adapter.ts";
import { anyText, note, remembered } from "./samples.ts";

const KINDS: readonly NoteKind[] = [
  "delivered_inbound",
  "told",
  "confirmed",
  "answer",
  "order",
  "delayed",
  "delayed_list",
];

/** Registers the tests for one adapter. */
export function keepsNotes(name: string, open: Open): void {
  keepsAndReplaces(name, open);
  keepsApart(name, open);
  forgets(name, open);
  hasLimits(name, open);
}

function keepsAndReplaces(name: string, open: Open): void {
  Deno.test(`${name} finds what was noted, and nothing else`, async () => {
    await using cache = await open();
    assert.equal(await cache.getNote("told", "a"), undefined);
    await cache.putNotes([note({ id: "a", value: "1" }), note({ id: "b", value: "" })]);
    assert.equal(await cache.getNote("told", "a"), "1");
    assert.equal(await cache.getNote("told", "b"), "");
    assert.equal(await cache.getNote("told", "c"), undefined);
  });

  Deno.test(`${name} keeps the last of several notes under one id`, async () => {
    await using cache = await open();
    await cache.putNotes([note({ value: "1" })]);
    await cache.putNotes([note({ value: "2" })]);
    assert.equal(await cache.getNote("told", "m1"), "2");
    await cache.putNotes([note({ value: "3" }), note({ value: "4" })]);
    assert.equal(await cache.getNote("told", "m1"), "4");
    await Promise.all(["5", "6", "7"].map((value) => cache.putNotes([note({ value })])));
    assert.equal(await cache.getNote("told", "m1"), "7");
  });

  Deno.test(`${name}: claimNote() keeps the first note under an id until that is gone`, async () => {
    const clock = new Clock();
    await using cache = await open(clock);
    const claim = (value: string) => cache.claimNote(note({ value, ttlMs: 60_000 }));
    assert.equal(await claim("1"), "1");
    assert.equal(await claim("2"), "1");
    assert.equal(await cache.getNote("told", "m1"), "1");
    // In place of it, and not as a claim.
    await cache.putNotes([note({ value: "3" })]);
    assert.equal(await claim("4"), "3");
    await cache.deleteNote("told", "m1");
    assert.equal(await claim("5"), "5");
    await clock.to(60_000);
    assert.equal(await claim("6"), "6");
  });

  Deno.test(`${name}: claimNote() gives one of several side by side what all want`, async () => {
    await using cache = await open();
    const values = Array.from({ length: 150 }, (_, index) => `${index}`);
    const kept = await Promise.all(values.map((value) => cache.claimNote(note({ value }))));
    assert.equal(new Set(kept).size, 1);
  });

  Deno.test(`${name} takes no notes without complaint`, async () => {
    await using cache = await open();
    await cache.putNotes([]);
  });

  Deno.test(`${name}: deleteNote() forgets one note, there or not`, async () => {
    await using cache = await open();
    await cache.putNotes([note({ id: "a" }), note({ id: "b" }), note({ kind: "answer", id: "a" })]);
    await cache.deleteNote("told", "a");
    await cache.deleteNote("told", "never");
    assert.equal(await cache.getNote("told", "a"), undefined);
    assert.equal(await cache.getNote("told", "b"), "delivered");
    assert.equal(await cache.getNote("answer", "a"), "delivered");
  });

  Deno.test(`${name} does what is asked of a note side by side in that order`, async () => {
    await using cache = await open();
    await Promise.all([
      cache.putNotes([note({ id: "stays", value: "1" }), note({ id: "goes" })]),
      cache.deleteNote("told", "stays"),
      cache.deleteNote("told", "goes"),
      cache.putNotes([note({ id: "stays", value: "2" })]),
    ]);
    assert.equal(await cache.getNote("told", "stays"), "2");
    assert.equal(await cache.getNote("told", "goes"), undefined);
  });
}

function keepsApart(name: string, open: Open): void {
  Deno.test(`${name} keeps kinds of notes apart, and from messages`, async () => {
    await using cache = await open();
    await cache.putInbound(remembered({ message_id: "x", from_addr: "x" }));
    await cache.putOutbound(remembered({ message_id: "x" }));
    for (const kind of KINDS) assert.equal(await cache.getNote(kind, "x"), undefined);
    await cache.putNotes(KINDS.map((kind) => note({ kind, id: "x", value: kind })));
    for (const kind of KINDS) assert.equal(await cache.getNote(kind, "x"), kind);
    assert.equal((await cache.getInbound("x"))?.message_id, "x");
    assert.equal((await cache.getLastInbound("x"))?.message_id, "x");
    assert.equal((await cache.getOutbound("x"))?.message_id, "x");
    assert.equal((await cache.getLastOutbound("*120*8864#"))?.message_id, "x");
  });

  Deno.test(`${name} tells any strings apart as ids of notes, and keeps any as values`, async () => {
    await using cache = await open();
    const texts = fc.uniqueArray(anyText, { minLength: 2, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(texts, async (ids) => {
        const value = (id: string) => id.slice(0, MAX_NOTE_LENGTH);
        await cache.putNotes(ids.map((id) => note({ id, value: value(id) })));
        for (const id of ids) assert.equal(await cache.getNote("told", id), value(id));
        const [gone = "", ...rest] = ids;
        await cache.deleteNote("told", gone);
        assert.equal(await cache.getNote("told", gone), undefined);
        for (const id of rest) assert.equal(await cache.getNote("told", id), value(id));
      }),
      { numRuns: 40 },
    );
  });
}

function forgets(name: string, open: Open): void {
  Deno.test(`${name} forgets each note when its own time is up, not before`, async () => {
    const clock = new Clock();
    await using cache = await open(clock);
    await cache.putNotes([note({ id: "a", ttlMs: 60_000 }), note({ id: "b", ttlMs: 120_000 })]);
    await clock.justBefore(60_000);
    assert.equal(await cache.getNote("told", "a"), "delivered");
    await clock.to(60_000);
    assert.equal(await cache.getNote("told", "a"), undefined);
    await clock.justBefore(120_000);
    assert.equal(await cache.getNote("told", "b"), "delivered");
    await clock.to(120_000);
    assert.equal(await cache.getNote("told", "b"), undefined);
  });

  Deno.test(`${name} gives a note that replaces another its own time`, async () => {
    const clock = new Clock();
    await using cache = await open(clock);
    await cache.putNotes([note({ id: "longer", ttlMs: 30_000 }), note({ id: "shorter" })]);
    await clock.to(10_000);
    await cache.putNotes([note({ id: "longer" }), note({ id: "shorter", ttlMs: 20_000 })]);
    await clock.to(30_000);
    assert.equal(await cache.getNote("told", "longer"), "delivered");
    assert.equal(await cache.getNote("told", "shorter"), undefined);
  });
}

function hasLimits(name: string, open: Open): void {
  Deno.test(`${name} keeps as many and as long notes at once as it may`, async () => {
    await using cache = await open();
    // What takes most of UTF-8 and of JSON.
    for (const letter of ["x", "☎", "\ud800"]) {
      const value = letter.repeat(MAX_NOTE_LENGTH);
      const ids = Array.from({ length: MAX_NOTES }, (_, index) => `${index}`.padStart(5000, "i"));
      await cache.putNotes(ids.map((id) => note({ id, value })));
      for (const id of ids) assert.equal(await cache.getNote("told", id), value);
    }
  });

  Deno.test(`${name} refuses too many notes at once, or too long ones, and keeps none`, async () => {
    await using cache = await open();
    const tallies = [{ flow: "inbound", result: "delivered" }];
    const many = Array.from({ length: MAX_NOTES + 1 }, (_, index) => note({ id: `${index}` }));
    await assert.rejects(cache.putNotes(many, tallies), RangeError);
    const long = note({ id: "1", value: "x".repeat(MAX_NOTE_LENGTH + 1) });
    await assert.rejects(cache.putNotes([note({ id: "0" }), long], tallies), RangeError);
    assert.equal(await cache.getNote("told", "0"), undefined);
    assert.deepEqual(await cache.tallied(), []);
  });
}
