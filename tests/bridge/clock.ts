/**
 * Time that the test makes: nothing happens before it says so.
 *
 * @module
 */

import { clearImmediate, setImmediate } from "node:timers";
import type { After } from "../../src/bridge/sleep.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock and its timers. */
export class TestClock {
  /** Milliseconds since 1970. */
  now: number;
  readonly #timers = new Set<Timer>();

  constructor(now = Date.parse("2026-11-24T08:00:00.000Z")) {
    this.now = now;
  }

  /** Reads it. */
  readonly elapsed = (): number => this.now;

  /** Runs something when its time comes; soon, if that is now. */
  readonly after: After = (ms, run) => {
    if (ms <= 0) {
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
    await soon();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.now = Math.max(this.now, next.at);
      next.run();
      await soon();
    }
    this.now = Math.max(this.now, end);
    await soon();
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }
}

/** Resolves when all that is ready to run has run. */
export async function soon(): Promise<void> {
  for (let n = 0; n < 12; n++) await new Promise<void>((resolve) => setImmediate(resolve));
}
