/**
 * Small tools that know nothing of the rest, one of each: waiting, writing, lenient reading of JSON, and
 * what an error says.
 *
 * @module
 */

export { onAbort } from "./abort.ts";
export { Backoff, type BackoffOptions } from "./backoff.ts";
export { Deadline, EXPIRED, Timeouts, within } from "./deadline.ts";
export { isOutOfDescriptors, messageOf, messageOfCause } from "./error.ts";
export { numbersAsWritten, parseFields, parseJson, parsePythonJson } from "./json.ts";
export { aborted, type After, afterMs, sleep } from "./sleep.ts";
export { writeAll } from "./write.ts";
