/**
 * Group read: reads that arrive together, or while one is under way, go together into the next one.
 * A store whose calls cost more than what they read is called less often. What it promises:
 *
 * - A read sees all that was committed before it was asked for.
 * - If a call fails, the reads of its group are rejected with its error, and no others.
 *
 * @module
 */

/** Limit of one call, and how to make it. */
export interface GroupReadOptions<Key, Value> {
  /** The values of the keys, in their order. Never called while another call is under way. */
  readonly read: (keys: readonly Key[]) => Promise<readonly Value[]>;
  /** Most keys a call, at least 1. */
  readonly maxKeys: number;
}

interface Waiting<Key, Value> {
  readonly key: Key;
  readonly resolve: (value: Value) => void;
  readonly reject: (reason: unknown) => void;
}

/** Reads in groups; see the head of this file. */
export class GroupRead<Key, Value> {
  readonly #options: GroupReadOptions<Key, Value>;
  readonly #waiting: Waiting<Key, Value>[] = [];
  #working = false;

  /** Nothing is read before it is asked for. */
  constructor(options: GroupReadOptions<Key, Value>) {
    this.#options = options;
  }

  /** The value of the key; rejects with the error of the call. */
  read(key: Key): Promise<Value> {
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    this.#waiting.push({ key, resolve, reject });
    if (!this.#working) this.#readAll();
    return promise;
  }

  /** Never rejects. */
  async #readAll(): Promise<void> {
    this.#working = true;
    await Promise.resolve(); // What is asked for in the same turn comes along.
    while (this.#waiting.length > 0) {
      await this.#readGroup(this.#waiting.splice(0, this.#options.maxKeys));
    }
    this.#working = false;
  }

  async #readGroup(group: readonly Waiting<Key, Value>[]): Promise<void> {
    try {
      const values = await this.#options.read(group.map(({ key }) => key));
      // One value a key, as the option promises.
      group.forEach(({ resolve }, index) => resolve(values[index] as Value));
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
