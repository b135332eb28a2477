/**
 * Small tools that know nothing of the rest, one of each: waiting, and lenient reading of JSON.
 *
 * @module
 */

export { Backoff, type BackoffOptions } from "./backoff.ts";
export { Deadline, EXPIRED, within } from "./deadline.ts";
export { parseFields, parseJson } from "./json.ts";
export { aborted, type After, afterMs, sleep } from "./sleep.ts";
export { Timeouts } from "./timeouts.ts";
