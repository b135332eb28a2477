/**
 * Order: work of one key is done one after the other, work of different keys side by side.
 *
 * @module
 */

interface Entry<T> {
  readonly value: T;
  readonly end: Promise<void>;
}

/** One lane a key, gone when it is empty. `T` is what work is about. */
export class UserOrder<T> {
  /** What is in work and what waits behind it, in order. */
  readonly #lanes = new Map<string, Entry<T>[]>();

  /** Does `work` when all earlier work of `key` has ended, well or not. Answers what it answers. */
  async run<R>(key: string, value: T, work: () => Promise<R>): Promise<R> {
    const lane = this.#lanes.get(key) ?? [];
    this.#lanes.set(key, lane);
    const before = lane.at(-1);
    const { promise: end, resolve } = Promise.withResolvers<void>();
    lane.push({ value, end });
    try {
      if (before !== undefined) await before.end;
      return await work();
    } finally {
      lane.shift();
      if (lane.length === 0) this.#lanes.delete(key);
      resolve();
    }
  }

  /** What waits behind the work of `key` that is being done, the next first. */
  behind(key: string): readonly T[] {
    return this.#lanes.get(key)?.slice(1).map(({ value }) => value) ?? [];
  }
}
