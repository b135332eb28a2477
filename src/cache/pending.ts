/**
 * What is being written: a read of it waits for the write, so that it finds what was put before, also
 * if nobody has waited for that.
 *
 * @module
 */

/** The writes under way, by what they write to. */
export class PendingWrites {
  readonly #writes = new Map<string, Promise<unknown>>();

  /** Until `write` ends, well or not, it is pending for each of `names`. Of several the last one is. */
  add(names: readonly string[], write: Promise<unknown>): void {
    for (const name of names) this.#writes.set(name, write);
    const end = (): void => {
      for (const name of names) if (this.#writes.get(name) === write) this.#writes.delete(name);
    };
    write.then(end, end);
  }

  /** Resolves when what was asked for before has ended; at once (undefined), if nothing was. */
  ended(name: string): Promise<unknown> | undefined {
    return this.#writes.get(name)?.catch(() => {});
  }
}
