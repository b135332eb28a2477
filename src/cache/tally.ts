/**
 * What the adapters share of counting: the days, the words, and the order of a list of counts.
 *
 * @module
 */

import { type DayCount, type Tally, TALLY_DAYS } from "./mod.ts";

/** Milliseconds of a day. */
export const DAY_MS = 86_400_000;

// Words are parts of keys and fields, whose size is limited.
const WORD = /^[\w-]{1,32}$/;

/** The day in UTC at `now`, `YYYY-MM-DD`. Days compare as texts. */
export function dayAt(now: number): string {
  return new Date(now).toISOString().slice(0, 10);
}

/** The first day that is still kept at `now`: today and {@linkcode TALLY_DAYS} whole days are. */
export function firstDayKept(now: number): string {
  return dayAt(now - TALLY_DAYS * DAY_MS);
}

/** All days that are kept at `now`, and the next: the clock of another machine may be there. */
export function daysKept(now: number): readonly string[] {
  return Array.from(
    { length: TALLY_DAYS + 2 },
    (_, index) => dayAt(now + (index - TALLY_DAYS) * DAY_MS),
  );
}

/**
 * Refuses what can't be counted.
 *
 * @throws {RangeError} If a flow or result is no plain word.
 */
export function checkTallies(tallies: readonly Tally[]): void {
  for (const { flow, result } of tallies) {
    if (WORD.test(flow) && WORD.test(result)) continue;
    throw new RangeError(`Cannot count ${JSON.stringify([flow, result])}: must be plain words`);
  }
}

/** The counts by day, then flow, then result. */
export function inOrder(counts: readonly DayCount[]): readonly DayCount[] {
  return counts.toSorted((a, b) =>
    compare(a.day, b.day) || compare(a.flow, b.flow) || compare(a.result, b.result)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
