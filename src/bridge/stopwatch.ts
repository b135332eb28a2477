/**
 * Adds up the time in which something is so.
 *
 * @module
 */

/** A stopwatch; its times are milliseconds of any clock. */
export class Stopwatch {
  #totalMs = 0;
  #since: number | undefined;

  /** It is so from now on. */
  start(now: number): void {
    this.#since ??= now;
  }

  /** It is so no more. */
  stop(now: number): void {
    this.#totalMs = this.totalMs(now);
    this.#since = undefined;
  }

  /** How long it was so, all in all; a clock that is set back takes nothing away. */
  totalMs(now: number): number {
    return this.#totalMs + Math.max(0, now - (this.#since ?? now));
  }
}
