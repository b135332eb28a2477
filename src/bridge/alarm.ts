/**
 * A timer for whoever looks again when something may have changed: too early does no harm.
 *
 * @module
 */

/** Goes off once, after the shortest of the times it was set to since it went off last. */
export class Alarm {
  readonly #onTime: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When it goes off, on the clock of `performance.now`. */
  #at = 0;

  /** Does `onTime` each time it goes off. */
  constructor(onTime: () => void) {
    this.#onTime = onTime;
  }

  /** Goes off in `ms` milliseconds at the latest. To set a timer costs as much as a call, so it stays. */
  set(ms: number): void {
    const at = performance.now() + ms;
    if (this.#timer !== undefined && this.#at <= at) return;
    this.clear();
    this.#at = at;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#onTime();
    }, ms);
  }

  /** Does not go off any more, unless it is set again. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
