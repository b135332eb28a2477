/**
 * What every {@linkcode MessageCache} must do with counts; a part of contract.ts.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CacheError, type Tally, TALLY_DAYS } from "../../src/cache/mod.ts";
import { Clock, type Open } from "./adapter.ts";
import { note, remembered, rememberedOfSize } from "./samples.ts";

const DAY = 86_400_000;
const IN: Tally = { flow: "inbound", result: "in" };
const DELIVERED: Tally = { flow: "inbound", result: "delivered" };
const OUT: Tally = { flow: "outbound", result: "in" };

/** The last second of a day in UTC. */
const START = Date.parse("2026-02-28T23:59:59Z");

/** Registers the tests for one adapter. */
export function counts(name: string, open: Open): void {
  addsUp(name, open);
  countsWithPuts(name, open);
  countsByDay(name, open);
  takesWords(name, open);
}

function addsUp(name: string, open: Open): void {
  Deno.test(`${name}: tallied() is empty before anything was counted`, async () => {
    await using cache = await open();
    await cache.tally([]);
    assert.deepEqual(await cache.tallied(), []);
  });

  Deno.test(`${name} counts by flow and result, and lists in their order`, async () => {
    await using cache = await open(new Clock(START));
    await cache.tally([OUT, IN, IN]);
    await cache.tally([DELIVERED]);
    await cache.tally([IN]);
    const day = "2026-02-28";
    assert.deepEqual(await cache.tallied(), [
      { day, flow: "inbound", result: "delivered", count: 1 },
      { day, flow: "inbound", result: "in", count: 3 },
      { day, flow: "outbound", result: "in", count: 1 },
    ]);
  });

  Deno.test(`${name} counts 3,000 side by side, each once`, async () => {
    await using cache = await open();
    await Promise.all(Array.from({ length: 1000 }, (_, index) =>
      Promise.all([
        cache.tally([IN]),
        cache.putNotes([note({ id: `${index}` })], [DELIVERED]),
        cache.putOutbound(remembered({ message_id: `${index}` }), [OUT]),
      ])));
    assert.deepEqual((await cache.tallied()).map(({ count }) => count), [1000, 1000, 1000]);
  });
}

function countsWithPuts(name: string, open: Open): void {
  Deno.test(`${name} counts with every kind of put`, async () => {
    await using cache = await open();
    await cache.putInbound(remembered(), [IN]);
    await cache.putInbound(rememberedOfSize(1024 * 1024, "x"), [IN, DELIVERED]);
    await cache.putOutbound(remembered(), [OUT]);
    await cache.putNotes([note()], [DELIVERED, DELIVERED]);
    await cache.putNotes([], [DELIVERED]);
    assert.deepEqual((await cache.tallied()).map(({ result, count }) => [result, count]), [
      ["delivered", 4],
      ["in", 2],
      ["in", 1],
    ]);
  });
}

function countsByDay(name: string, open: Open): void {
  Deno.test(`${name} counts on the day in UTC that its clock says`, async () => {
    const clock = new Clock(START);
    await using cache = await open(clock);
    await cache.tally([IN]);
    await clock.to(1000);
    await cache.tally([IN, IN]);
    const { flow, result } = IN;
    assert.deepEqual(await cache.tallied(), [
      { day: "2026-02-28", flow, result, count: 1 },
      { day: "2026-03-01", flow, result, count: 2 },
    ]);
  });

  Deno.test(`${name} keeps counts of ${TALLY_DAYS} days before today, not of more`, async () => {
    const clock = new Clock(START);
    await using cache = await open(clock);
    const days = async () => (await cache.tallied()).map(({ day }) => day);
    await cache.tally([IN]);
    await clock.to(DAY);
    await cache.tally([OUT]);
    await clock.to(TALLY_DAYS * DAY);
    await cache.tally([IN]);
    assert.deepEqual(await days(), ["2026-02-28", "2026-03-01", "2026-03-30"]);
    await clock.to((TALLY_DAYS + 1) * DAY);
    assert.deepEqual(await days(), ["2026-03-01", "2026-03-30"]);
    await cache.tally([IN]);
    assert.deepEqual(await days(), ["2026-03-01", "2026-03-30", "2026-03-31"]);
  });
}

function takesWords(name: string, open: Open): void {
  Deno.test(`${name} counts the longest words, and refuses what is no plain word`, async () => {
    await using cache = await open();
    const longest = { flow: "f".repeat(32), result: "a-Z_9".padEnd(32, "z") };
    await cache.tally([longest]);
    for (const word of ["", " ", "a b", "é", "a:b", "\0", "x".repeat(33), "a\n"]) {
      for (const bad of [{ ...IN, flow: word }, { ...IN, result: word }]) {
        const refusal = (error: unknown) =>
          error instanceof RangeError && !(error instanceof CacheError);
        await assert.rejects(cache.tally([IN, bad]), refusal);
        await assert.rejects(cache.putInbound(remembered(), [bad]), refusal);
        await assert.rejects(cache.putOutbound(remembered(), [bad]), refusal);
        await assert.rejects(cache.putNotes([note()], [bad]), refusal);
      }
    }
    assert.deepEqual((await cache.tallied()).map(({ flow, result }) => ({ flow, result })), [
      longest,
    ]);
    assert.equal(await cache.getInbound("m1"), undefined);
    assert.equal(await cache.getOutbound("m1"), undefined);
    assert.equal(await cache.getNote("told", "m1"), undefined);
  });
}
