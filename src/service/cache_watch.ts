// Looks at the caches every two seconds, so that how they are is known while no request uses them: a
// load balancer may send none because of it.

import { sleep } from "../async/mod.ts";
import type { MessageCache } from "../cache/mod.ts";

const LOOK_MS = 2_000;

/** Watches caches that share a store, until it is disposed. */
export class CacheWatch implements AsyncDisposable {
  readonly #caches: readonly MessageCache[];
  readonly #stop = new AbortController();
  readonly #work: Promise<void>;

  constructor(caches: readonly MessageCache[]) {
    this.#caches = caches;
    this.#work = this.#watch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await sleep(LOOK_MS, signal);
      if (signal.aborted) return;
      // One tells of the store that all share; of the others those that have found it failing.
      const looked = this.#caches
        .filter((cache, index) => index === 0 || cache.status().failingSince !== undefined);
      await Promise.all(looked.map((cache) => cache.probe()));
    }
  }
}
