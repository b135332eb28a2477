// What lies under the keys that were guarded last, as far as is known: most are guarded again soon, by the
// next message of the same user, and need not be read then. Another process may have changed them: Deno KV
// is given what is known to check, and what was wrong is read.

/** Above so many, what was written longest ago is forgotten. */
const MOST = 5_000;

export class KnownEntries {
  readonly #entries = new Map<string, Deno.KvEntryMaybe<unknown>>();

  get(name: string): Deno.KvEntryMaybe<unknown> | undefined {
    return this.#entries.get(name);
  }

  /** Takes what was committed. */
  set(name: string, entry: Deno.KvEntryMaybe<unknown>): void {
    this.#entries.delete(name);
    const [oldest = ""] = this.#entries.size >= MOST ? this.#entries.keys() : [];
    this.#entries.delete(oldest);
    this.#entries.set(name, entry);
  }

  delete(name: string): void {
    this.#entries.delete(name);
  }
}
