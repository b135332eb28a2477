// Order: work of one key is done one after the other, work of different keys side by side.

/** One queue a key, gone when it is empty. `T` is what is known of work that waits. */
export class UserOrder<T> {
  /** What is in work and what waits behind it, in order. */
  readonly #queues = new Map<string, (PromiseWithResolvers<void> & { readonly value: T })[]>();

  /** Resolves when all that entered for `key` before has left. To be followed by `leave`. */
  async enter(key: string, value: T): Promise<void> {
    const queue = this.#queues.get(key) ?? [];
    this.#queues.set(key, queue);
    const before = queue.at(-1);
    queue.push({ ...Promise.withResolvers<void>(), value });
    await before?.promise;
  }

  /** Ends the work of `key` that is being done. */
  leave(key: string): void {
    const queue = this.#queues.get(key) ?? [];
    const entry = queue.shift();
    if (queue.length === 0) this.#queues.delete(key);
    entry?.resolve();
  }

  /** Does `work` when all earlier work of `key` has ended, well or not. Answers what it answers. */
  async run<R>(key: string, value: T, work: () => Promise<R>): Promise<R> {
    await this.enter(key, value);
    try {
      return await work();
    } finally {
      this.leave(key);
    }
  }

  /** What waits behind the work of `key` that is being done, the next first. */
  behind(key: string): readonly T[] {
    return this.#queues.get(key)?.slice(1).map(({ value }) => value) ?? [];
  }
}
