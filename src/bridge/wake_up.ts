// A timer for whoever looks again when something may have changed: too early does no harm.

import { type After, afterMs } from "../async/mod.ts";

/** What the bridge's time goes by. */
export interface Clock {
  readonly after: After;
  /** Milliseconds on a clock that is never set back. */
  readonly elapsed: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export const SYSTEM_CLOCK: Clock = {
  after: afterMs,
  elapsed: () => performance.now(),
  now: () => Date.now(),
};

/** Goes off once, after the shortest of the times it was set to since it went off last. */
export class WakeUp {
  readonly #onTime: () => void;
  readonly #clock: Pick<Clock, "after" | "elapsed">;
  #cancel: (() => void) | undefined;
  #at = 0;

  constructor(onTime: () => void, clock: Pick<Clock, "after" | "elapsed">) {
    this.#onTime = onTime;
    this.#clock = clock;
  }

  /** Goes off in `ms` milliseconds at the latest. A timer stays: to set one costs as much as a call. */
  set(ms: number): void {
    const at = this.#clock.elapsed() + ms;
    if (this.#cancel !== undefined && this.#at <= at) return;
    this.clear();
    this.#at = at;
    this.#cancel = this.#clock.after(ms, () => {
      this.#cancel = undefined;
      this.#onTime();
    });
  }

  /** Does not go off any more, unless it is set again. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
