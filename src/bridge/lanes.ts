/**
 * Order: work of one key is done one after the other, work of different keys side by side.
 *
 * @module
 */

/** One lane a key, gone when it is empty. */
export class Lanes {
  readonly #ends = new Map<string, Promise<void>>();

  /** Does `work` when all earlier work of `key` has ended, well or not. Answers what it answers. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#ends.get(key);
    const result = before === undefined ? work() : before.then(work);
    const end = result.then(ignore, ignore).then(() => {
      if (this.#ends.get(key) === end) this.#ends.delete(key);
    });
    this.#ends.set(key, end);
    return result;
  }
}

/** How a piece of work ended concerns the one who handed it in, not the next in the lane. */
function ignore(): void {}
