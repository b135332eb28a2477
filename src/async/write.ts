// Writing to what may be full, gone or slow, such as standard error.

import { Backoff } from "./backoff.ts";

/** A non-blocking pipe that is full has room again in milliseconds; a disk, when somebody acts. */
const PAUSES = { initialDelayMs: 5, maxDelayMs: 1_000 } as const;

/**
 * Writes all of `bytes`, part by part: what can't be written is tried again until `signal` fires. Nothing
 * else waits for a write that hangs, as a thread of the runtime's makes it; only one may be under way.
 */
export async function writeAll(
  output: Pick<typeof Deno.stderr, "write">,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff(PAUSES);
  while (bytes.length > 0 && !signal.aborted) {
    try {
      bytes = bytes.subarray(await output.write(bytes));
      backoff.reset();
    } catch {
      await backoff.pause(signal);
    }
  }
}
