// What an error says, and whether it is about what our own process may open.

/** What an error says; of anything else that was thrown, the text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether no file descriptor was left for it, in this process (EMFILE) or on the machine (ENFILE). */
export function isOutOfDescriptors(error: unknown): boolean {
  const text = messageOf(
    error instanceof Error && error.cause instanceof Error ? error.cause : error,
  );
  return OUT_OF_DESCRIPTORS.test(text);
}

/** In the runtime's words, whatever the operation: fetch's errors have no code. */
const OUT_OF_DESCRIPTORS = /\(os error 2[34]\)/;
