/**
 * Waiting: one of each small tool, which knows nothing of the rest.
 *
 * @module
 */

export { Backoff, type BackoffOptions } from "./backoff.ts";
export { type After, afterMs, sleep } from "./sleep.ts";
