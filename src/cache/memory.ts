// `Store` in this process's memory: fast, forgotten when the process ends, and bounded.
//
// Each kind has bounds of its own, so that a flood of one pushes out no other. When a kind is full, what
// was put or read longest ago goes first, even before its time; what has outlived its time takes room
// until then. Counters are never pushed out: they go by day.

import { LRUCache } from "lru-cache";
import {
  type Change,
  dayAt,
  type DayCount,
  guardOf,
  isLeftAlone,
  type Key,
  type Store,
  TALLY_DAYS,
} from "./store.ts";

export interface MemoryStoreOptions {
  /** Most entries of each kind; 100,000 by default. */
  readonly maxEntries?: number;
  /** Most characters of values and ids, of each kind; 64 Mi by default. */
  readonly maxSize?: number;
  /** Milliseconds on a clock that measures the lifetimes; `Date.now` by default. */
  readonly now?: () => number;
}

interface Entry {
  /** As JSON, so that the size is known and nobody can change what is kept. */
  readonly json: string;
  /** Not lru-cache's: it keeps an entry one tick too long, and for ever if it was put at time 0. */
  readonly expiresAt: number;
}

export class MemoryStore implements Store {
  readonly #options: Required<MemoryStoreOptions>;
  readonly #kinds = new Map<string, LRUCache<string, Entry>>();
  readonly #counts = new Map<string, DayCount>();

  constructor(options: MemoryStoreOptions = {}) {
    this.#options = { maxEntries: 100_000, maxSize: 64 * 1024 * 1024, now: Date.now, ...options };
  }

  get(key: Key): Promise<unknown> {
    return Promise.resolve(this.#valueOf(key));
  }

  commit(changes: readonly Change[]): Promise<void> {
    for (const change of changes) this.#make(change);
    return Promise.resolve();
  }

  counters(days: readonly string[]): Promise<readonly DayCount[]> {
    return Promise.resolve([...this.#counts.values()].filter(({ day }) => days.includes(day)));
  }

  async *all(kind: string): AsyncIterable<unknown> {
    const now = this.#options.now();
    // Neither read nor moved to the end of what is pushed out.
    for (const { json, expiresAt } of [...this.#kind(kind).values()]) {
      if (now < expiresAt) yield await Promise.resolve(JSON.parse(json));
    }
  }

  sizes(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#kinds].map(([kind, { size }]) => [kind, size]));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#kinds.clear();
    this.#counts.clear();
    return Promise.resolve();
  }

  #make(change: Change): void {
    switch (change.type) {
      case "set": {
        const json = JSON.stringify(change.value);
        const expiresAt = this.#options.now() + change.ttlMs;
        for (const key of change.keys) {
          const guard = guardOf(change, key);
          if (guard !== undefined && isLeftAlone(guard, change, this.#valueOf(key))) continue;
          const [kind, id] = key;
          const entries = this.#kind(kind);
          entries.set(id, { json, expiresAt });
          if (entries.size > this.#options.maxEntries) entries.pop();
        }
        return;
      }
      case "delete": {
        const [kind, id] = change.key;
        this.#kind(kind).delete(id);
        return;
      }
      case "count":
        return this.#count(change);
    }
  }

  #valueOf([kind, id]: Key): unknown {
    const entries = this.#kind(kind);
    const entry = entries.get(id);
    if (entry !== undefined && this.#options.now() < entry.expiresAt) return JSON.parse(entry.json);
    entries.delete(id);
    return undefined;
  }

  #kind(kind: string): LRUCache<string, Entry> {
    let entries = this.#kinds.get(kind);
    if (entries === undefined) {
      // Without lru-cache's own `max`, for which it takes all memory at once: megabytes, in each channel.
      entries = new LRUCache({
        maxSize: this.#options.maxSize,
        sizeCalculation: ({ json }, id) => json.length + id.length,
      });
      this.#kinds.set(kind, entries);
    }
    return entries;
  }

  #count({ day, flow, result }: Omit<DayCount, "count">): void {
    const name = `${day} ${flow} ${result}`;
    const count = (this.#counts.get(name)?.count ?? 0) + 1;
    this.#counts.set(name, { day, flow, result, count });
    if (count > 1) return;
    const first = dayAt(Date.parse(day), -TALLY_DAYS);
    for (const [name, { day }] of this.#counts) if (day < first) this.#counts.delete(name);
  }
}
