// How long things that are due have to wait because something else is being done: what a bridge that
// is too busy suffers from first.

/** The time from one look to the next, in milliseconds. */
const TICK_MS = 500;

/** Measures how late timers come, until it is disposed. */
export class LoopLag implements Disposable {
  #dueAt = performance.now() + TICK_MS;
  #longestMs = 0;
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  /** The longest wait since this was asked last, in milliseconds. */
  take(): number {
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  /** Stops the watch. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    this.#longestMs = Math.max(this.#longestMs, now - this.#dueAt);
    this.#dueAt = now + TICK_MS;
  }
}
