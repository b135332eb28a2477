// The AMQP headers `x-retry-…` that a message carries along when it is sent elsewhere to wait: what it
// has behind it, its place in its user's order, and why.

import type { Failure } from "../turn/mod.ts";
import { RETRY_HEADERS as HEADER } from "../vumi/mod.ts";

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

/** A place in a user's order: the mark of a group, and which of it, from 1. */
export interface Place {
  readonly mark: number;
  readonly nth: number;
}

/** The place of a message that was not sent elsewhere, or need not come in order. */
export const NO_PLACE: Place = { mark: 0, nth: 0 };

export const NO_PAST: Past = {
  attempts: 0,
  firstFailureAt: undefined,
  waits: 0,
  copies: 0,
  place: NO_PLACE,
  delayMs: 0,
  isBegun: false,
};

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

/** Whether it has failed for so long that its user's other messages don't wait for it, nor it for them. */
export function isOutOfOrder(past: Past | undefined): boolean {
  return past !== undefined && past.waits > 0 && past.place.mark === 0;
}

type Headers = Record<string, string | number>;

export function failureHeaders(past: Past, { reason, status, said }: Failure): Headers {
  return {
    ...pastHeaders(past, reason),
    [HEADER.status]: status ?? 0,
    [HEADER.said]: said ?? "",
  };
}

/** What it has behind it, and why it is sent elsewhere. */
export function pastHeaders({ attempts, firstFailureAt, waits }: Past, reason: string): Headers {
  return {
    [HEADER.attempts]: attempts,
    [HEADER.waits]: waits,
    [HEADER.reason]: reason,
    ...(firstFailureAt === undefined
      ? {}
      : { [HEADER.firstFailure]: new Date(firstFailureAt).toISOString() }),
  };
}

/**
 * What is to be known of it when it is back from where it waits. A place is a text: a mark is larger
 * than the integers that all clients can read.
 */
export function placeHeaders(
  { place: { mark, nth }, isBegun }: Pick<Past, "place" | "isBegun">,
  delayMs: number,
): Headers {
  return {
    [HEADER.place]: `${mark}.${nth}`,
    [HEADER.delay]: delayMs,
    [HEADER.begun]: isBegun ? 1 : 0,
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
