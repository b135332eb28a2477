// Time limits that are nearly all given back before they are up. One timer serves all of a length: one
// of the platform's for each would cost as much as to read a message.

/** How much too early a timer of the platform's may fire, in milliseconds. */
const SLACK_MS = 1;

/** Any number of running time limits, of few different lengths. */
export class Timeouts {
  readonly #byLength = new Map<number, SameLength>();

  /** Does `onUp` after `ms` milliseconds (1 to 2,147,483,647), unless it is ended before. */
  start(ms: number, onUp: () => void): Timeout {
    const same = this.#byLength.get(ms) ?? new SameLength(ms);
    this.#byLength.set(ms, same);
    return same.start(onUp);
  }
}

/** A running time limit. */
export interface Timeout {
  /** Ends the limit; more than once is fine. */
  end(): void;
}

class SameLength {
  readonly #ms: number;
  /** In the order of their beginnings, and so of their ends. */
  readonly #running = new Map<Timeout, { readonly at: number; readonly onUp: () => void }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  start(onUp: () => void): Timeout {
    const timeout = { end: () => this.#end(timeout) };
    this.#running.set(timeout, { at: performance.now() + this.#ms, onUp });
    this.#timer ??= setTimeout(this.#look, this.#ms);
    return timeout;
  }

  #end(timeout: Timeout): void {
    this.#running.delete(timeout);
    if (this.#running.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    for (const [timeout, { at, onUp }] of this.#running) {
      const leftMs = at - performance.now();
      if (leftMs > SLACK_MS) {
        this.#timer ??= setTimeout(this.#look, leftMs);
        return;
      }
      this.#running.delete(timeout);
      onUp();
    }
  };
}
