/**
 * Small tools that know nothing of the rest, one of each: waiting, lenient reading of JSON, and
 * what an error says.
 *
 * @module
 */

export { Backoff, type BackoffOptions } from "./backoff.ts";
export { Deadline, EXPIRED, Timeouts, within } from "./deadline.ts";
export { messageOf } from "./error.ts";
export { parseFields, parseJson } from "./json.ts";
export { aborted, type After, afterMs, sleep } from "./sleep.ts";
