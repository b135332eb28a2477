// Time limits that are nearly all given back before they are up. One timer serves all of a length: one
// of the platform's for each would cost as much as to read a message.

/** How much too early a timer of the platform's may fire, in milliseconds. */
const SLACK_MS = 1;

/** Any number of running time limits, of few different lengths. */
export class Timeouts {
  readonly #byLength = new Map<number, SameLength>();

  /** Does `onUp` after `ms` milliseconds (1 to 2,147,483,647), unless the answer is called before. */
  start(ms: number, onUp: () => void): () => void {
    const same = this.#byLength.get(ms) ?? new SameLength(ms);
    this.#byLength.set(ms, same);
    return same.start(onUp);
  }
}

class SameLength {
  readonly #ms: number;
  /** In the order of their beginnings, and so of their ends. */
  readonly #running = new Set<{ readonly at: number; readonly onUp: () => void }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  start(onUp: () => void): () => void {
    const limit = { at: performance.now() + this.#ms, onUp };
    this.#running.add(limit);
    this.#timer ??= setTimeout(this.#look, this.#ms);
    return () => {
      this.#running.delete(limit);
      if (this.#running.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    for (const limit of this.#running) {
      const leftMs = limit.at - performance.now();
      if (leftMs > SLACK_MS) {
        this.#timer ??= setTimeout(this.#look, leftMs);
        return;
      }
      this.#running.delete(limit);
      limit.onUp();
    }
  };
}
