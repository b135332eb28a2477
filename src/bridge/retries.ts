/**
 * When a message that failed is tried again, and what it carries along about that: quick attempts
 * while it is in hand, then longer and longer waits in delay queues, and in the end a person.
 *
 * @module
 */

import type { Delivery } from "../turn/mod.ts";
import type { Disposition } from "../vumi/mod.ts";

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

/** What a message's headers tell of earlier attempts. */
export interface Past {
  /** Calls that failed. */
  readonly attempts: number;
  /** When the first did, in milliseconds since 1970; undefined if none has. */
  readonly firstFailureAt: number | undefined;
  /** How often it has waited in a delay queue because of them. */
  readonly waits: number;
}

/** A message that is new here. */
export const NO_PAST: Past = { attempts: 0, firstFailureAt: undefined, waits: 0 };

/** Why Turn does not have it. */
export type Failed = Exclude<Delivery, { readonly kind: "delivered" | "limited" }>;

/** The names of the headers. */
const HEADER = {
  attempts: "x-retry-attempts",
  firstFailure: "x-retry-first-failure",
  waits: "x-retry-waits",
  reason: "x-retry-reason",
  status: "x-retry-status",
  said: "x-retry-said",
} as const;

/** What all headers about retries begin with. */
export const RETRY_PREFIX = "x-retry-";

/** A header that counts more than this is not ours. */
const MOST_COUNT = 1_000_000;

/** Reads the headers; undefined if the message has not waited in a delay queue. */
export function readPast(headers: Readonly<Record<string, unknown>>): Past | undefined {
  const waits = headers[HEADER.waits];
  if (!isCount(waits)) return undefined;
  const attempts = headers[HEADER.attempts];
  const firstFailure = headers[HEADER.firstFailure];
  const firstFailureAt = typeof firstFailure === "string" ? Date.parse(firstFailure) : NaN;
  return {
    attempts: isCount(attempts) ? attempts : 0,
    firstFailureAt: Number.isNaN(firstFailureAt) ? undefined : firstFailureAt,
    waits,
  };
}

/** A message that failed: when again, or never. */
export function afterFailure(
  past: Past,
  failed: Failed,
  { delaysMs, forMs, now }: {
    readonly delaysMs: readonly number[];
    readonly forMs: number;
    readonly now: number;
  },
): Disposition {
  // A date to come is not ours, and would have it tried until then.
  const firstFailureAt = Math.min(past.firstFailureAt ?? now, now);
  const headers = { ...pastHeaders({ ...past, firstFailureAt }), ...failureHeaders(failed) };
  if (failed.kind === "refused") return park(failed, failed.reason, headers);
  const delayMs = nextDelayMs(delaysMs, past.waits, failed.afterMs);
  if (now - firstFailureAt + delayMs > forMs) {
    return park(failed, `${failed.reason}, after ${past.attempts} attempts`, headers);
  }
  return { kind: "later", delayMs, headers: { ...headers, [HEADER.waits]: past.waits + 1 } };
}

/** The schedule's next, or a longer one if Turn asked for more; the longest if none is long enough. */
function nextDelayMs(delaysMs: readonly number[], waits: number, afterMs: number): number {
  const next = delaysMs[Math.min(waits, delaysMs.length - 1)] ?? 0;
  if (next >= afterMs) return next;
  const enough = delaysMs.filter((ms) => ms >= afterMs);
  return enough.length > 0 ? Math.min(...enough) : Math.max(...delaysMs);
}

/** A message that is to wait, for no fault of its own. */
export function waitBehind(past: Past, delayMs: number): Disposition {
  const reason = "waits behind an earlier message of the same user";
  return { kind: "later", delayMs, headers: { ...pastHeaders(past), [HEADER.reason]: reason } };
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

function park(
  { reason: _, said, status }: Failed,
  reason: string,
  headers: Record<string, string | number>,
): Disposition {
  return {
    kind: "park",
    reason: said === undefined ? reason : `${reason}: ${said}`,
    ...(status === undefined ? {} : { status }),
    headers,
  };
}

function pastHeaders({ attempts, firstFailureAt, waits }: Past): Record<string, string | number> {
  return {
    [HEADER.attempts]: attempts,
    [HEADER.waits]: waits,
    ...(firstFailureAt === undefined
      ? {}
      : { [HEADER.firstFailure]: new Date(firstFailureAt).toISOString() }),
  };
}

function failureHeaders({ reason, status, said }: Failed): Record<string, string | number> {
  return {
    [HEADER.reason]: reason,
    [HEADER.status]: status ?? 0,
    [HEADER.said]: said ?? "",
  };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MOST_COUNT;
}
