/**
 * What the runtime says when a call gets no answer.
 *
 * @module
 */

/** What the runtime says went wrong, without the address, which the configuration has. */
export function networkFault(error: unknown): string {
  // 2.9 says "fetch failed" and has the rest in the cause, 2.6 has no cause.
  const { message } = error instanceof Error && error.cause instanceof Error
    ? error.cause
    : error instanceof Error
    ? error
    : new Error(String(error));
  return message.replace(/^error sending request .*?: client error \(\w+\): /, "");
}
