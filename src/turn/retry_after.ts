/**
 * How long Turn asks us to wait: `Retry-After` (RFC 9110 10.2.3, and with fractions as Turn may
 * send them), and its rate limit headers.
 *
 * @module
 */

import { readRateLimit } from "./rate_limit.ts";

/** The longest wait that is believed. More is not for a timer, but for a person to look into. */
const LONGEST_MS = 24 * 60 * 60 * 1000;

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
  const { remaining = 0, resetAt = now } = readRateLimit(headers, "", now) ?? {};
  return remaining > 0 ? 0 : resetAt - now;
}
