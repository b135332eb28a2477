/**
 * How long Turn asks us to wait: `Retry-After` (RFC 9110 10.2.3, and with fractions as Turn may
 * send them), and its rate limit headers.
 *
 * @module
 */

/** The longest wait that is believed. More is not for a timer, but for a person to look into. */
const LONGEST_MS = 24 * 60 * 60 * 1000;

/**
 * The furthest reset that is believed. Turn's windows are 60 s long; what says more is in another
 * unit, or by a clock that differs from ours.
 */
const LONGEST_WINDOW_MS = 10 * 60 * 1000;

const SECONDS = /^\d+(?:\.\d+)?$/;

/**
 * The least wait in milliseconds; 0 if Turn asks for none.
 *
 * With both `Retry-After` and a used-up rate limit it is the longer one: Turn rounds the first
 * (`Retry-After: 1` beside a reset in fractions), and a call before either is refused again, which
 * would cost the message one of its retries.
 *
 * @param now Milliseconds since 1970.
 */
export function retryAfterMs({ status, headers }: Response, now: number): number {
  const asked = retryAfter(headers.get("retry-after") ?? "", now);
  const limited = status === 429 || status === 503 ? untilReset(headers, now) : 0;
  return Math.min(Math.ceil(Math.max(0, asked, limited)), LONGEST_MS);
}

function retryAfter(value: string, now: number): number {
  if (SECONDS.test(value)) return Number(value) * 1000;
  // `Date.parse` finds a date in almost anything; all of HTTP's that anyone sends end with GMT.
  return value.endsWith("GMT") ? Date.parse(value) - now || 0 : 0;
}

function untilReset(headers: Headers, now: number): number {
  if (Number(headers.get("x-ratelimit-remaining")) > 0) return 0;
  const reset = headers.get("x-ratelimit-reset") ?? "";
  const wait = SECONDS.test(reset) ? Number(reset) * 1000 - now : 0;
  return wait <= LONGEST_WINDOW_MS ? wait : 0;
}
