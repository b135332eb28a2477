/**
 * Time that the test makes: nothing happens before it says so.
 *
 * @module
 */

import { clearImmediate, setImmediate } from "node:timers";
import type { After } from "../../src/async/mod.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock and its timers. */
export class TestClock {
  /** Milliseconds since 1970. */
  now: number;
  readonly #timers = new Set<Timer>();

  /** How long it takes until all that is ready to run has run. */
  readonly #soon: () => Promise<void>;
  /** What waits for no time happens by itself. */
  readonly #isEager: boolean;

  constructor(now = Date.parse("2026-11-24T08:00:00.000Z"), isEager = true) {
    this.now = now;
    this.#isEager = isEager;
    this.#soon = isEager ? soon : next;
  }

  /** Reads it. */
  readonly elapsed = (): number => this.now;

  /** Runs something when its time comes; soon, if that is now. */
  readonly after: After = (ms, run) => {
    if (ms <= 0 && this.#isEager) {
      const soon = setImmediate(run);
      return () => clearImmediate(soon);
    }
    const timer = { at: this.now + ms, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** Lets so much time go by, and what is to happen in it happen. */
  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    await this.#soon();
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.now = Math.max(this.now, timer.at);
      timer.run();
      await this.#soon();
    }
    this.now = Math.max(this.now, end);
    await this.#soon();
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }
}

/** Resolves when all that is ready to run has run, one after the other. */
export async function soon(): Promise<void> {
  for (let n = 0; n < 12; n++) await next();
}

/** Resolves when all promises that are settled have had their effects. */
export function next(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
