// A queue in memory whose consumers can wait for the next value.

export class Inbox<T> {
  readonly #arrived: T[] = [];
  readonly #takers: ((value: T) => void)[] = [];

  /** Adds a value; the oldest waiting `take` gets it. */
  put(value: T): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#arrived.push(value);
    else taker(value);
  }

  /** Takes the oldest value, or waits for one; rejects when `signal` fires. */
  async take(signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    for (const value of this.#arrived.splice(0, 1)) return value;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#takers.push(resolve);
    const giveUp = (): void => {
      this.#takers.splice(this.#takers.indexOf(resolve), 1);
      reject(signal.reason);
    };
    signal.addEventListener("abort", giveUp, { once: true });
    return await promise.finally(() => signal.removeEventListener("abort", giveUp));
  }
}
