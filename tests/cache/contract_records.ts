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

  Deno.test(`${name} leaves a record alone that has a later order, and replaces all others`, async () => {
    await using cache = await open();
    const held = (order: string, value: string) =>
      cache.putRecords([record({ kind: "last_held", value, order })]);
    const read = () => cache.getOrdered("last_held", "+27 82");
    assert.equal(await read(), undefined);
    await held("2026-01-02 00:00:00.000002", "second");
    await held("2026-01-02 00:00:00.000001", "first");
    assert.deepEqual(await read(), { order: "2026-01-02 00:00:00.000002", value: "second" });
    await held("2026-01-02 00:00:00.000002", "");
    assert.deepEqual(await read(), { order: "2026-01-02 00:00:00.000002", value: "" });
    await held("2026-01-02 00:00:00.000003", "third");
    assert.deepEqual(await read(), { order: "2026-01-02 00:00:00.000003", value: "third" });
  });

  Deno.test(`${name} keeps what comes with a record that is left alone`, async () => {
    await using cache = await open();
    const later = record({ kind: "last_held", value: "later", order: "2" });
    await cache.putRecords([later]);
    await cache.putOutbound(remembered({ message_id: "o1" }), [], [
      { ...later, value: "earlier", order: "1" },
      record({ kind: "unacked", id: "o1", value: "words" }),
    ]);
    assert.equal((await cache.getOrdered("last_held", "+2782"))?.value, "later");
    assert.equal(await cache.getRecord("unacked", "o1"), "words");
    assert.equal((await cache.getOutbound("o1"))?.message_id, "o1");
  });

  Deno.test(`${name} keeps the last of ordered records that are put at once`, async () => {
    await using cache = await open();
    const orders = ["3", "1", "9", "4", "7", "2"];
    await Promise.all(
      orders.map((order) =>
        cache.putRecords([record({ kind: "last_held", value: `of ${order}`, order })])
      ),
    );
    const found = await cache.getOrdered("last_held", "+2782");
    assert.deepEqual(found, { order: "9", value: "of 9" });
  });

  Deno.test(`${name} forgets a record with an order when its time is up, and takes an earlier one then`, async () => {
    const clock = new Clock();
    await using cache = await open(clock);
    await cache.putRecords([record({ kind: "last_held", order: "2" })]);
    await clock.justBefore(60_000);
    await cache.putRecords([record({ kind: "last_held", order: "1" })]);
    assert.equal((await cache.getOrdered("last_held", "+2782"))?.order, "2");
    await clock.to(60_000);
    assert.equal(await cache.getOrdered("last_held", "+2782"), undefined);
    await cache.putRecords([record({ kind: "last_held", order: "1" })]);
    assert.equal((await cache.getOrdered("last_held", "+2782"))?.order, "1");
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
