// Time limits: waiting for work that may take too long.

import { onAbort } from "./abort.ts";
import { sleep } from "./sleep.ts";

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
  const unlisten = signal && onAbort(signal, () => settled.abort());
  try {
    return await Promise.race([
      work,
      sleep(ms, settled.signal).then((): typeof EXPIRED => EXPIRED),
    ]);
  } finally {
    unlisten?.();
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

/**
 * Any number of running time limits, of few different lengths, that are nearly all given back before they
 * are up. One timer serves all of a length: one of the platform's for each would cost as much as to read
 * a message.
 */
export class Timeouts {
  readonly #byLength = new Map<number, SameLength>();

  /** Does `onUp` after `ms` milliseconds (1 to 2,147,483,647), unless the answer is called before. */
  start(ms: number, onUp: () => void): () => void {
    const same = this.#byLength.get(ms) ?? new SameLength(ms);
    this.#byLength.set(ms, same);
    return same.start(onUp);
  }
}

/** How much too early a timer of the platform's may fire, in milliseconds. */
const SLACK_MS = 1;

class SameLength {
  readonly #ms: number;
  /** In the order of their beginnings, and so of their ends. */
  readonly #running = new Set<{ readonly at: number; readonly onUp: () => void }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  start(onUp: () => void): () => void {
    const limit = { at: performance.now() + this.#ms, onUp };
    this.#running.add(limit);
    this.#timer ??= setTimeout(this.#look, this.#ms);
    return () => {
      this.#running.delete(limit);
      if (this.#running.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    for (const limit of this.#running) {
      const leftMs = limit.at - performance.now();
      if (leftMs > SLACK_MS) {
        this.#timer ??= setTimeout(this.#look, leftMs);
        return;
      }
      this.#running.delete(limit);
      limit.onUp();
    }
  };
}
