/**
 * What Turn says of its rate limit in the headers of an answer: `X-Ratelimit-Limit`, `-Remaining`,
 * `-Reset` (unix seconds, with a fraction) and, when it names one, `-Bucket`; a 429 may name its
 * bucket in the body instead ("Rate limit hit for bucket text").
 *
 * @module
 */

/** A rate limit as an answer tells it; what it does not tell is undefined. */
export interface RateLimit {
  /** The name of the budget of calls that it is about. */
  readonly bucket: string | undefined;
  /** Calls a window. */
  readonly limit: number | undefined;
  /** Calls left in this window. */
  readonly remaining: number | undefined;
  /** When the window ends, in milliseconds since 1970; gone by, if Turn was slow to answer. */
  readonly resetAt: number | undefined;
}

/**
 * The furthest reset that is believed. Turn's windows are 60 s long; what says more is in another
 * unit, or by a clock that differs from ours.
 */
const LONGEST_WINDOW_MS = 10 * 60 * 1000;
const NUMBER = /^\d{1,15}(?:\.\d{1,15})?$/;
const BUCKET = /\bbucket ["']?([\w-]{1,40})/i;

/**
 * Reads the headers; undefined if they tell nothing, as is usual.
 *
 * @param said What the body said, if it is a 429's.
 * @param now Milliseconds since 1970.
 */
export function readRateLimit(headers: Headers, said: string, now: number): RateLimit | undefined {
  const named = headers.get("x-ratelimit-bucket")?.slice(0, 40) ?? BUCKET.exec(said)?.[1];
  const limit = read(headers, "x-ratelimit-limit");
  const remaining = read(headers, "x-ratelimit-remaining");
  const reset = read(headers, "x-ratelimit-reset");
  if ((named ?? limit ?? remaining ?? reset) === undefined) return undefined;
  const resetAt = reset === undefined ? undefined : Math.ceil(reset * 1000);
  const isBelieved = resetAt !== undefined && Math.abs(resetAt - now) <= LONGEST_WINDOW_MS;
  return { bucket: named, limit, remaining, resetAt: isBelieved ? resetAt : undefined };
}

function read(headers: Headers, name: string): number | undefined {
  const text = headers.get(name);
  return text !== null && NUMBER.test(text) ? Number(text) : undefined;
}
