// Work that is done every so often, as long as somebody has use for it.

import { sleep } from "./sleep.ts";

/** Does it each time so many milliseconds are over, until it is disposed of; never twice at once. */
export class Repeating implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #work: Promise<void>;

  /** Begins; what `work` throws ends it, and comes at its disposal. */
  constructor(everyMs: number, work: () => unknown) {
    this.#work = this.#repeat(everyMs, work);
  }

  /** Resolves when nothing more is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }

  async #repeat(everyMs: number, work: () => unknown): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await sleep(everyMs, signal);
      if (signal.aborted) return;
      await work();
    }
  }
}
