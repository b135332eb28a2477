/**
 * Small tools that know nothing of the rest, one of each: waiting, writing, lenient reading of JSON, and
 * what an error says; and words for a shell.
 *
 * @module
 */

export { FirstOf, onAbort } from "./abort.ts";
export { Backoff, type BackoffOptions } from "./backoff.ts";
export { Deadline, EXPIRED, Timeouts, within } from "./deadline.ts";
export { isOutOfDescriptors, isTimeout, messageOf, messageOfCause } from "./error.ts";
export { numbersAsWritten, parseFields, parseJson, parsePythonJson } from "./json.ts";
export { Repeating } from "./repeating.ts";
export { shellWord } from "./shell_word.ts";
export { aborted, type After, afterMs, sleep } from "./sleep.ts";
export { writeAll } from "./write.ts";
