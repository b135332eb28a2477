/**
 * When a message that failed is tried again, and what it carries along about that: quick attempts
 * while it is in hand, then longer and longer waits in delay queues, and in the end a person.
 *
 * @module
 */

import type { CallResult } from "../turn/mod.ts";
import { type Disposition, RETRY_HEADERS as HEADER } from "../vumi/mod.ts";

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
  /** How often a copy of it has gone to the end of its queue. */
  readonly copies: number;
  /** Its place in its user's order; see delayed_order.ts. */
  readonly place: Place;
  /** How long it has waited in a delay queue before it came now, in milliseconds; 0 if in none. */
  readonly delayMs: number;
  /** Whether work on it may have been begun, other than what failed: then it is not new. */
  readonly isBegun: boolean;
}

/** A place in a user's order: the mark of a group, and which of it; both are 0 if it has none. */
export interface Place {
  /** Of the group. */
  readonly mark: number;
  /** In the group, from 1. */
  readonly nth: number;
}

/** That of what has not been sent elsewhere, or need not come in order. */
export const NO_PLACE: Place = { mark: 0, nth: 0 };

/** A message that is new here. */
export const NO_PAST: Past = {
  attempts: 0,
  firstFailureAt: undefined,
  waits: 0,
  copies: 0,
  place: NO_PLACE,
  delayMs: 0,
  isBegun: false,
};

/** Why Turn does not have it. */
export type Failed = Exclude<CallResult, { readonly kind: "delivered" | "limited" }>;

/** A header that counts more than this is not ours. */
const MOST_COUNT = 1_000_000;

/** Reads the headers; undefined if the message has not been sent elsewhere by us. */
export function readPast(headers: Readonly<Record<string, unknown>>): Past | undefined {
  const waits = headers[HEADER.waits];
  if (!isCount(waits)) return undefined;
  const firstFailure = headers[HEADER.firstFailure];
  const firstFailureAt = typeof firstFailure === "string" ? Date.parse(firstFailure) : NaN;
  const delay = headers[HEADER.delay];
  return {
    attempts: countOf(headers[HEADER.attempts]),
    firstFailureAt: Number.isNaN(firstFailureAt) ? undefined : firstFailureAt,
    waits,
    copies: countOf(headers[HEADER.copies]),
    place: placeOf(headers[HEADER.place]),
    delayMs: typeof delay === "number" && delay > 0 ? delay : 0,
    isBegun: headers[HEADER.begun] === 1,
  };
}

/**
 * Whether later messages of its user need not wait for it, nor it for earlier ones: it has failed for
 * so long that its user can't be made to wait.
 */
export function isOutOfOrder(past: Past | undefined): boolean {
  return past !== undefined && past.waits > 0 && past.place.mark === 0;
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

/** How a message goes to where it waits. */
export interface Going {
  /** See {@linkcode Past.place}. */
  readonly place: Place;
  /** See {@linkcode Past.isBegun}. */
  readonly isBegun: boolean;
}

/** A message that failed goes to where {@linkcode afterFailure} has said. */
export function withPlace(
  disposition: Extract<Disposition, { readonly kind: "later" }>,
  going: Going,
): Disposition {
  const { delayMs, headers } = disposition;
  return { ...disposition, headers: { ...headers, ...placeHeaders({ ...going, delayMs }) } };
}

/** A message that is to wait behind others in their delay queue, for no fault of its own. */
export function waitBehind(past: Past, going: Going, delayMs: number): Disposition {
  const place = placeHeaders({ ...going, delayMs });
  const headers = { ...pastHeaders(past), ...place, [HEADER.reason]: WAITS_BEHIND };
  return { kind: "later", delayMs, headers };
}

/** A message that goes to the end of its queue, for no fault of its own. */
export function sendAgain(past: Past, going: Going, reason: string): Disposition {
  const copies = { [HEADER.copies]: past.copies + 1, [HEADER.reason]: reason };
  const place = placeHeaders({ ...going, delayMs: 0 });
  return { kind: "again", headers: { ...pastHeaders(past), ...place, ...copies } };
}

/** Why a message waits that has not failed. */
export const WAITS_BEHIND = "waits behind an earlier message of the same user";

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

/** A place is a text: a mark is larger than the integers that all clients can read. */
function placeHeaders(
  { place: { mark, nth }, delayMs, isBegun }: Going & { readonly delayMs: number },
): Record<string, string | number> {
  return {
    [HEADER.place]: `${mark}.${nth}`,
    [HEADER.delay]: delayMs,
    [HEADER.begun]: isBegun ? 1 : 0,
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

function countOf(value: unknown): number {
  return isCount(value) ? value : 0;
}

function placeOf(value: unknown): Place {
  if (typeof value !== "string" || !/^\d{1,15}\.\d{1,9}$/.test(value)) return NO_PLACE;
  const [mark, nth] = value.split(".");
  return { mark: Number(mark), nth: Number(nth) };
}
