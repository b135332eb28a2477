/**
 * What every {@linkcode MessageCache} must do with records; a part of contract.ts.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { KeptRecord } from "../../src/cache/mod.ts";
import { Clock, type Open } from "./adapter.ts";
import { note, remembered } from "./samples.ts";

function record(fields: Partial<KeptRecord> = {}): KeptRecord {
  return { kind: "prompt", id: "+2782", value: "menu", ttlMs: 60_000, ...fields };
}

/** Registers the tests for one adapter. */
export function keepsRecords(name: string, open: Open): void {
  Deno.test(`${name} keeps records, replaces and forgets them, each kind apart`, async () => {
    await using cache = await open();
    assert.equal(await cache.getRecord("prompt", "+2782"), undefined);
    await cache.putRecords([record(), record({ kind: "shown", value: "words" })]);
    assert.equal(await cache.getRecord("prompt", "+2782"), "menu");
    assert.equal(await cache.getRecord("shown", "+2782"), "words");
    await cache.putRecords([
      record({ value: "next" }),
      record({ kind: "shown", value: undefined }),
    ]);
    assert.equal(await cache.getRecord("prompt", "+2782"), "next");
    assert.equal(await cache.getRecord("shown", "+2782"), undefined);
  });

  Deno.test(`${name} knows what a user was asked by the digits of the number`, async () => {
    await using cache = await open();
    await cache.putRecords([record({ id: "+27 82" })]);
    for (const id of ["2782", "+2782"]) assert.equal(await cache.getRecord("prompt", id), "menu");
    await cache.putRecords([record({ id: "2782", value: undefined })]);
    assert.equal(await cache.getRecord("prompt", "+27 82"), undefined);
  });

  Deno.test(`${name} keeps records with the message that they are put with`, async () => {
    await using cache = await open();
    const meaning = record({ kind: "meaning", id: "m1", value: "2 of 3" });
    await cache.putOutbound(remembered({ message_id: "o1" }), [], [record()]);
    await cache.putInbound(remembered(), [], undefined, [meaning, record({ value: undefined })]);
    assert.equal(await cache.getRecord("meaning", "m1"), "2 of 3");
    assert.equal(await cache.getRecord("prompt", "+2782"), undefined);
    assert.equal((await cache.getOutbound("o1"))?.message_id, "o1");
  });

  Deno.test(`${name} keeps records with notes`, async () => {
    await using cache = await open();
    await cache.putNotes([note()], [], [record()]);
    assert.equal(await cache.getNote("told", "m1"), "delivered");
    assert.equal(await cache.getRecord("prompt", "+2782"), "menu");
    await cache.putNotes([], [], [record({ value: undefined })]);
    assert.equal(await cache.getRecord("prompt", "+2782"), undefined);
  });

  Deno.test(`${name} keeps records as large as a menu may be`, async () => {
    await using cache = await open();
    for (const letter of ["x", "☎", '"']) {
      const value = letter.repeat(200_000);
      await cache.putRecords([record({ value })]);
      assert.equal(await cache.getRecord("prompt", "+2782"), value);
    }
  });

  Deno.test(`${name} forgets a record when its time is up, not before`, async () => {
    const clock = new Clock();
    await using cache = await open(clock);
    await cache.putRecords([record()]);
    await clock.justBefore(60_000);
    assert.equal(await cache.getRecord("prompt", "+2782"), "menu");
    await clock.to(60_000);
    assert.equal(await cache.getRecord("prompt", "+2782"), undefined);
  });
}
