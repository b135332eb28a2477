// When an SMS that was nacked is sent again: by what vumi2's SMPP transport says of an operator that takes
// no more for now, which is the description of SMPP's error, and no code.

import type { Event } from "../vumi/mod.ts";

/** Why an SMS is sent again. `busy`: the operator takes fewer; `error`: it does not say why. */
export type Throttled = "busy" | "error";

const BUSY = /throttl|RTHROTTLED|0x58|queue full|RMSGQFUL/i;
const ERROR = /system error|RSYSERR/i;

/** So often an SMS is sent again for an error of which it is not known whether it ends. */
export const MOST_ERRORS = 3;

/** How long it waits after it was nacked the first time, the second time, …; the last is repeated. */
const DELAYS_MS = [1_000, 2_000, 5_000, 10_000, 30_000, 60_000] as const;

/** What is due later than that is so by a clock that was set back. */
export const MOST_DELAY_MS = 60_000;

/** How long an SMS waits that was sent so often, from 1. */
export function delayAfter(tries: number): number {
  return DELAYS_MS[Math.max(0, tries - 1)] ?? MOST_DELAY_MS;
}

/** Why what the event is about is sent again; undefined for all else. */
export function throttledBy({ event_type, nack_reason }: Event): Throttled | undefined {
  if (event_type !== "nack" || nack_reason === null) return undefined;
  if (BUSY.test(nack_reason)) return "busy";
  return ERROR.test(nack_reason) ? "error" : undefined;
}
