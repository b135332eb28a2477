// When a message that failed is tried again: after quick attempts while it is in hand longer and longer
// waits in delay queues, and in the end a person.

import type { CallResult } from "../turn/mod.ts";
import type { Disposition } from "../vumi/mod.ts";
import { failureHeaders, type Past } from "./retry_headers.ts";

/** How often, and after which pauses, a call is tried again. */
export interface RetryOptions {
  /** Quick attempts after the first. */
  readonly maxRetries: number;
  /** See {@linkcode retryDelayMs}. */
  readonly delayBase: number;
  /** See {@linkcode retryDelayMs}. */
  readonly delayExponent: number;
  /** Waits in delay queues, in milliseconds; the last one is repeated. Not empty. */
  readonly delaysMs: readonly number[];
}

/**
 * Longest wait between two quick attempts, whatever Turn asks for or the exponent comes to. A message
 * in work is not acked, and RabbitMQ closes the channel of one that is not acked for 30 minutes.
 */
export const MAX_QUICK_WAIT_MS = 5 * 60_000;

export type Failed = Exclude<CallResult, { readonly kind: "delivered" | "limited" }>;

interface Schedule extends Pick<RetryOptions, "delaysMs"> {
  /** How long after the first failure it is worth trying, in milliseconds. */
  readonly forMs: number;
  readonly now: number;
}

/** The disposition of a failed message: another attempt later, or parking. */
export function afterFailure(
  past: Past,
  failed: Failed,
  { delaysMs, forMs, now }: Schedule,
): Disposition {
  // A date to come is not ours, and would have it tried until then.
  const firstFailureAt = Math.min(past.firstFailureAt ?? now, now);
  const known = { ...past, firstFailureAt };
  if (failed.kind === "refused") return park(known, failed, failed.reason);
  const delayMs = nextDelayMs(delaysMs, past.waits, failed.afterMs);
  if (now - firstFailureAt + delayMs > forMs) {
    return park(known, failed, `${failed.reason}, after ${past.attempts} attempts`);
  }
  const headers = failureHeaders({ ...known, waits: past.waits + 1 }, failed);
  return { kind: "later", delayMs, headers };
}

function park(past: Past, failed: Failed, reason: string): Disposition {
  const { said, status } = failed;
  return {
    kind: "park",
    reason: said === undefined ? reason : `${reason}: ${said}`,
    ...(status === undefined ? {} : { status }),
    headers: failureHeaders(past, failed),
  };
}

/** The schedule's next, or a longer one if Turn asked for more; the longest if none is long enough. */
function nextDelayMs(delaysMs: readonly number[], waits: number, afterMs: number): number {
  const next = delaysMs[Math.min(waits, delaysMs.length - 1)] ?? 0;
  if (next >= afterMs) return next;
  const enough = delaysMs.filter((ms) => ms >= afterMs);
  return enough.length > 0 ? Math.min(...enough) : Math.max(...delaysMs);
}

/**
 * The pause before quick attempt `retries` + 2, in milliseconds: a whole number of seconds below
 * base ** (retries * exponent), as vumi2 has it. `random` is from 0 up to, not including, 1.
 */
export function retryDelayMs(
  retries: number,
  { delayBase, delayExponent }: Pick<RetryOptions, "delayBase" | "delayExponent">,
  random: number,
): number {
  const bound = Math.min(delayBase ** (retries * delayExponent), MAX_QUICK_WAIT_MS / 1000);
  return Math.floor(random * bound) * 1000;
}
