/**
 * How long requests from Turn may take. Turn waits for 5 seconds, so what it is told later it does not
 * hear; vumi2's files, where 240 is the default, are taken all the same.
 *
 * @module
 */

import type { ChannelConfig } from "./schema.ts";

/** The longest that is of use, in seconds. */
export const LONGEST_REQUEST_S = 4.5;

/** Longest time for a request from Turn, in milliseconds. */
export function requestTimeoutMs(
  { request_timeout }: Pick<ChannelConfig, "request_timeout">,
): number {
  return Math.min(request_timeout, LONGEST_REQUEST_S) * 1000;
}
