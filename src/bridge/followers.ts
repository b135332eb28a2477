/**
 * A user's messages stay in order also when one of them waits in the first delay queue: those that
 * come meanwhile wait behind it there, and come back behind it. Later delays are longer than a
 * conversation bears, so then the others overtake.
 *
 * It is known to this process only, and forgotten with it.
 *
 * @module
 */

/** How much longer than its delay a message is waited for, in milliseconds. */
const SLACK_MS = 60_000;
/**
 * Longest that others wait behind one that failed, in milliseconds. One that came back to another
 * machine never comes here, and without an end each message would wait behind the one before it.
 */
const MOST_MS = 15 * 60_000;
/** Above so many users, those whose time is over are swept out. */
const SWEEP_AT = 10_000;

interface Waiting {
  /** Those that wait, and whether one before them has failed again meanwhile. */
  readonly ids: Map<string, boolean>;
  until: number;
  /** No `until` is later. */
  end: number;
}

/** Who waits in the first delay queue. */
export class Followers {
  readonly #waiting = new Map<string, Waiting>();

  /**
   * A message of `key` goes to wait.
   *
   * @param hasFailed Whether it leads: then those that wait already stand behind it in the user's
   * order, but before it in the delay queue, and have to wait once more.
   */
  add(key: string, id: string, hasFailed: boolean, delayMs: number, now: number): void {
    if (this.#waiting.size >= SWEEP_AT) this.#sweep(now);
    const waiting = this.#waiting.get(key) ?? { ids: new Map(), until: 0, end: now + MOST_MS };
    if (hasFailed) waiting.end = now + MOST_MS;
    if (hasFailed) { for (const other of waiting.ids.keys()) waiting.ids.set(other, true); }
    waiting.ids.set(id, false);
    waiting.until = Math.min(now + delayMs + SLACK_MS, waiting.end);
    this.#waiting.set(key, waiting);
  }

  /** It is back, if it was waiting. Answers whether it has to wait once more. */
  remove(key: string, id: string): boolean {
    const waiting = this.#waiting.get(key);
    const hasToWait = waiting?.ids.get(id) ?? false;
    waiting?.ids.delete(id);
    if (waiting?.ids.size === 0) this.#waiting.delete(key);
    return hasToWait;
  }

  /** Whether a message of `key` that comes now has to wait behind another. */
  has(key: string, now: number): boolean {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return false;
    if (now < waiting.until) return true;
    this.#waiting.delete(key);
    return false;
  }

  #sweep(now: number): void {
    for (const [key, { until }] of this.#waiting) if (now >= until) this.#waiting.delete(key);
  }
}
