// Waiting for work that may take too long.

import { sleep } from "./sleep.ts";
import type { Timeouts } from "./timeouts.ts";

/** What a wait comes to when the time is up. */
export const EXPIRED: unique symbol = Symbol("expired");

/**
 * Waits for `work`, but for no more than `ms` milliseconds, which may be `Infinity`, and no longer
 * than until `signal` fires. The work itself goes on; what it comes to later is dropped.
 */
export async function within<T>(
  work: Promise<T>,
  ms: number,
  signal?: AbortSignal,
): Promise<T | typeof EXPIRED> {
  const settled = new AbortController();
  const ended = signal ? AbortSignal.any([signal, settled.signal]) : settled.signal;
  try {
    return await Promise.race([work, sleep(ms, ended).then((): typeof EXPIRED => EXPIRED)]);
  } finally {
    settled.abort();
  }
}

/** The end of the time that several steps may take. It begins at once; dispose it when all is done. */
export class Deadline implements Disposable {
  readonly #passed = Promise.withResolvers<typeof EXPIRED>();
  readonly #end: () => void;

  /** Starts the clock; for `ms` see {@linkcode Timeouts.start}. */
  constructor(ms: number, timeouts: Timeouts) {
    this.#end = timeouts.start(ms, () => this.#passed.resolve(EXPIRED));
  }

  /** Waits for `work`, or for the end of the time; what `work` comes to after that is dropped. */
  race<T>(work: Promise<T>): Promise<T | typeof EXPIRED> {
    return Promise.race([work, this.#passed.promise]);
  }

  /** Stops the clock. */
  [Symbol.dispose](): void {
    this.#end();
  }
}
