// A timer for whoever looks again when something may have changed: too early does no harm.

import { type After, afterMs } from "../async/mod.ts";

/** Whose time it goes by; the platform's, unless given. */
export interface WakeUpOptions {
  readonly after?: After | undefined;
  /** Milliseconds on a clock that is never set back. */
  readonly elapsed?: (() => number) | undefined;
}

/** Goes off once, after the shortest of the times it was set to since it went off last. */
export class WakeUp {
  readonly #onTime: () => void;
  readonly #after: After;
  readonly #elapsed: () => number;
  #cancel: (() => void) | undefined;
  #at = 0;

  constructor(onTime: () => void, options: WakeUpOptions = {}) {
    this.#onTime = onTime;
    this.#after = options.after ?? afterMs;
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  /** Goes off in `ms` milliseconds at the latest. A timer stays: to set one costs as much as a call. */
  set(ms: number): void {
    const at = this.#elapsed() + ms;
    if (this.#cancel !== undefined && this.#at <= at) return;
    this.clear();
    this.#at = at;
    this.#cancel = this.#after(ms, () => {
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
