// What an error says, and whether it is about what our own process may open.

/** What an error says; of anything else that was thrown, the text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The same of its cause, if it has one: Deno 2.9 has the runtime's words there, 2.6 has no cause. */
export function messageOfCause(error: unknown): string {
  return messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);
}

/** Whether it took longer than `AbortSignal.timeout()` allowed; the runtimes have several words for it. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/** Whether no file descriptor was left for it, in this process (EMFILE) or on the machine (ENFILE). */
export function isOutOfDescriptors(error: unknown): boolean {
  return OUT_OF_DESCRIPTORS.test(messageOfCause(error));
}

/** In the runtime's words, whatever the operation: fetch's errors have no code. */
const OUT_OF_DESCRIPTORS = /\(os error 2[34]\)/;
