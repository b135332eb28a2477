/**
 * How long things that are due have to wait because something else is being done: what a bridge that
 * is too busy suffers from first.
 *
 * @module
 */

/** How often it is looked, in milliseconds. */
const TICK_MS = 500;

/** Watches until it is disposed. */
export class LoopLag implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  #dueAt = performance.now() + TICK_MS;
  #longestMs = 0;

  /** Begins. */
  constructor() {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** The longest wait since this was asked last, in milliseconds. */
  take(): number {
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    this.#longestMs = Math.max(this.#longestMs, now - this.#dueAt);
    this.#dueAt = now + TICK_MS;
  }
}
