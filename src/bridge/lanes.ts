/**
 * Order: work of one key is done one after the other, work of different keys side by side.
 *
 * @module
 */

import type { Disposition } from "../vumi/mod.ts";

interface Entry<T> {
  readonly value: T;
  readonly end: Promise<void>;
}

/** One lane a key, gone when it is empty. `T` is what work is about. */
export class Lanes<T> {
  /** What is in work and what waits behind it, in order. */
  readonly #lanes = new Map<string, Entry<T>[]>();

  /**
   * Does `work` when all earlier work of `key` has ended, well or not. Answers what it answers.
   *
   * When work puts its message back to the queue, all that wait behind it in its lane are put back
   * too, undone: else they would overtake it. Not so when it is lost: then it has gone back already,
   * and what waits behind it may be itself, come again with those that come after it.
   */
  async run(
    key: string,
    value: T,
    work: () => Promise<Disposition>,
    isLost: () => boolean = () => false,
  ): Promise<Disposition> {
    const lane = this.#lanes.get(key) ?? [];
    this.#lanes.set(key, lane);
    const before = lane.at(-1);
    const { promise: end, resolve } = Promise.withResolvers<void>();
    const entry = { value, end };
    lane.push(entry);
    let isPutBack = false;
    try {
      if (before !== undefined) await before.end;
      // Whoever put back the lane has emptied it.
      if (lane[0] !== entry) return { kind: "requeue" };
      const disposition = await work();
      isPutBack = disposition.kind === "requeue" && !isLost();
      return disposition;
    } finally {
      if (isPutBack) lane.length = 0;
      else if (lane[0] === entry) lane.shift();
      if (lane.length === 0 && this.#lanes.get(key) === lane) this.#lanes.delete(key);
      resolve();
    }
  }

  /** What waits behind the work of `key` that is being done, the next first. */
  behind(key: string): readonly T[] {
    return this.#lanes.get(key)?.slice(1).map(({ value }) => value) ?? [];
  }
}
