// What Turn says of its rate limit in the headers of an answer: `X-Ratelimit-Limit`, `-Remaining`,
// `-Reset` (unix seconds, with a fraction) and, when it names one, `-Bucket`; a 429 may name its
// bucket in the body instead ("Rate limit hit for bucket text"). And how long it asks us to wait.

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

/** The furthest reset that is believed: windows are 60 s; more is another unit, or another clock. */
const LONGEST_WINDOW_MS = 10 * 60 * 1000;
/** The longest wait that is believed. More is not for a timer, but for a person to look into. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;
const NUMBER = /^\d{1,15}(?:\.\d{1,15})?$/;
const BUCKET = /\bbucket ["']?([\w-]{1,40})/i;

/**
 * Reads the headers; undefined if they tell nothing, as is usual.
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

/**
 * The least wait in milliseconds; 0 if Turn asks for none. By `Retry-After` (RFC 9110 10.2.3, and with
 * fractions as Turn may send them) and a used-up rate limit, whichever is longer: Turn rounds the first
 * (`Retry-After: 1` beside a reset in fractions), and a call before either is refused again, which
 * would cost the message one of its retries.
 * @param now Milliseconds since 1970.
 */
export function retryAfterMs({ status, headers }: Response, now: number): number {
  const asked = retryAfter(headers.get("retry-after") ?? "", now);
  const limited = status === 429 || status === 503 ? untilReset(headers, now) : 0;
  return Math.min(Math.ceil(Math.max(0, asked, limited)), LONGEST_WAIT_MS);
}

function retryAfter(value: string, now: number): number {
  if (/^\d+(?:\.\d+)?$/.test(value)) return Number(value) * 1000;
  // `Date.parse` finds a date in almost anything; all of HTTP's that anyone sends end with GMT.
  return value.endsWith("GMT") ? Date.parse(value) - now || 0 : 0;
}

function untilReset(headers: Headers, now: number): number {
  const { remaining = 0, resetAt = now } = readRateLimit(headers, "", now) ?? {};
  return remaining > 0 ? 0 : resetAt - now;
}
