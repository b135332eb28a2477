// How a cache does: since when it fails, by what was done with it last.

import type { CacheOperation } from "../telemetry/mod.ts";

/** How a {@linkcode MessageCache} is; times are in milliseconds since 1970. */
export interface CacheStatus {
  /** Since when reading, or writing, has failed each time; undefined if both work, as far as is known. */
  readonly failingSince: number | undefined;
  /** When one of them failed last. */
  readonly lastFailure: number | undefined;
  /** Whether what is remembered outlives this program as far as its store can; see {@linkcode Store}. */
  readonly lasts: boolean;
}

/** What a cache notes of how its store does. */
export class CacheHealth {
  readonly #now: () => number;
  /** What failed when it was done last: on a full disk what is there can still be read. */
  readonly #failing = new Map<CacheOperation, number>();
  #lastFailure: number | undefined;
  /** See {@linkcode CacheStatus}. */
  lasts = true;

  constructor(now: () => number) {
    this.#now = now;
  }

  status(): CacheStatus {
    const [failingSince] = [...this.#failing.values()].sort((a, b) => a - b);
    return { failingSince, lastFailure: this.#lastFailure, lasts: this.lasts };
  }

  isFailing(operation: CacheOperation): boolean {
    return this.#failing.has(operation);
  }

  worked(operation: CacheOperation): void {
    this.#failing.delete(operation);
  }

  failed(operation: CacheOperation): void {
    this.#lastFailure = this.#now();
    this.#failing.set(operation, this.#failing.get(operation) ?? this.#lastFailure);
  }
}
