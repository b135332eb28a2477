// What the runtime says when a call gets no answer.

/** What the runtime says went wrong, without the address, which the configuration has. */
export function networkError(error: unknown): string {
  return messageOf(error).replace(/^error sending request .*?: client error \(\w+\): /, "");
}

/** Whether there was no connection to send the call on: refused, no such host, no route. */
export function isUnreachable(error: unknown): boolean {
  return messageOf(error).includes("client error (Connect)");
}

/** The runtime's own message: Deno 2.9 has it in the cause, 2.6 has no cause. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
