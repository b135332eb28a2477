/**
 * What the suite in contract.ts has to know of an adapter, and the time that it makes pass for it.
 *
 * @module
 */

import type { MessageCache, MessageCacheOptions } from "../../src/cache/mod.ts";

/** How the suite opens and handles an adapter. */
export interface Adapter {
  /** Its name, for those of the tests. */
  readonly name: string;
  /** Opens an empty cache. */
  open(options: Required<Omit<MessageCacheOptions, "store" | "addresses">>): Promise<MessageCache>;
  /** Lets time pass where it is not the suite's clock that measures it. */
  pass?(ms: number): Promise<void>;
  /** Milliseconds that the tests themselves may take, where their own time counts; 0 if not given. */
  readonly slackMs?: number;
}

/** The cache, which closes with it what it is in. */
export function withOwner(cache: MessageCache, owner: AsyncDisposable): MessageCache {
  const close = cache[Symbol.asyncDispose].bind(cache);
  return Object.assign(cache, {
    async [Symbol.asyncDispose]() {
      await close();
      await owner[Symbol.asyncDispose]();
    },
  });
}

/** Opens an empty cache of the adapter under test. */
export type Open = (clock?: Clock) => Promise<MessageCache>;

/** When the suite's time begins, unless told otherwise: after the samples' timestamps. */
export const START: number = Date.parse("2026-01-03");

/** Time as the suite makes it pass, in milliseconds. */
export class Clock {
  #now: number;
  readonly #start: number;
  #adapter: Adapter | undefined;

  constructor(start = START) {
    this.#now = this.#start = start;
  }

  /** What the cache is handed. */
  readonly now = (): number => this.#now;

  /** Passes the time on to the adapter as well. */
  drive(adapter: Adapter): void {
    this.#adapter = adapter;
  }

  /** Moves to so many milliseconds after the start. */
  async to(ms: number): Promise<void> {
    const passed = this.#start + ms - this.#now;
    this.#now += passed;
    await this.#adapter?.pass?.(passed);
  }

  /** Moves to as little before that as the adapter can tell. */
  async justBefore(ms: number): Promise<void> {
    await this.to(ms - 1 - (this.#adapter?.slackMs ?? 0));
  }
}
