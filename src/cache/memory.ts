/**
 * {@linkcode Store} in this process's memory: fast, forgotten when the process ends, and bounded.
 *
 * Each kind has bounds of its own, by number and by size. When a kind is full, what was put or read
 * longest ago goes first, even before its time; what has outlived its time takes room until then. So a
 * user who was silent longest can't be replied to any more, and a flood of one kind pushes out no
 * other. Counters are never pushed out: they go by day.
 *
 * @module
 */

import { LRUCache } from "lru-cache";
import {
  type Change,
  type Counter,
  dayAt,
  type DayCount,
  type Key,
  type Store,
  TALLY_DAYS,
} from "./store.ts";

/** What a {@linkcode MemoryStore} may be told. */
export interface MemoryStoreOptions {
  /** Most entries of each kind; 100,000 by default. */
  readonly maxEntries?: number;
  /** Most characters of values and ids, of each kind; 64 Mi by default. */
  readonly maxSize?: number;
  /** Milliseconds on a clock that measures the lifetimes; `Date.now` by default. */
  readonly now?: () => number;
}

// The time is our own because lru-cache keeps an entry one tick too long, and for ever if it was put
// at time 0.
interface Entry {
  /** A row as JSON, so that the size is known and nobody can change what is kept. */
  readonly text: string;
  readonly isRow: boolean;
  readonly expiresAt: number;
}

/** Keeps entries until the process ends, or memory set aside for them is full. */
export class MemoryStore implements Store {
  readonly #maxEntries: number;
  readonly #maxSize: number;
  readonly #now: () => number;
  readonly #kinds = new Map<string, LRUCache<string, Entry>>();
  /** By day; then by flow and result, with a space between. */
  readonly #counts = new Map<string, Map<string, number>>();

  /** An empty store. */
  constructor(
    { maxEntries = 100_000, maxSize = 64 * 1024 * 1024, now = Date.now }: MemoryStoreOptions = {},
  ) {
    this.#maxEntries = maxEntries;
    this.#maxSize = maxSize;
    this.#now = now;
  }

  get([kind, id]: Key): Promise<unknown> {
    const entries = this.#kind(kind);
    const entry = entries.get(id);
    if (entry !== undefined && this.#now() < entry.expiresAt) {
      return Promise.resolve(entry.isRow ? JSON.parse(entry.text) : entry.text);
    }
    entries.delete(id);
    return Promise.resolve(undefined);
  }

  commit(changes: readonly Change[]): Promise<void> {
    for (const change of changes) this.#make(change);
    return Promise.resolve();
  }

  counters(days: readonly string[]): Promise<readonly DayCount[]> {
    const found = days.flatMap((day) =>
      [...this.#counts.get(day) ?? []].map(([name, count]) => {
        const [flow = "", result = ""] = name.split(" ");
        return { day, flow, result, count };
      })
    );
    return Promise.resolve(found);
  }

  sizes(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#kinds].map(([kind, { size }]) => [kind, size]));
  }

  /** Forgets everything. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#kinds.clear();
    this.#counts.clear();
    return Promise.resolve();
  }

  #make(change: Change): void {
    if (change.type === "count") return this.#count(change);
    if (change.type === "delete") {
      const [kind, id] = change.key;
      this.#kind(kind).delete(id);
      return;
    }
    const { keys, value, ttlMs } = change;
    const isRow = typeof value !== "string";
    const text = isRow ? JSON.stringify(value) : value;
    const entry = { text, isRow, expiresAt: this.#now() + ttlMs };
    for (const [kind, id] of keys) {
      const entries = this.#kind(kind);
      entries.set(id, entry);
      if (entries.size > this.#maxEntries) entries.pop();
    }
  }

  #kind(kind: string): LRUCache<string, Entry> {
    let entries = this.#kinds.get(kind);
    if (entries === undefined) {
      // Without lru-cache's own `max`, for which it takes all memory at once: megabytes, in each channel.
      entries = new LRUCache({
        maxSize: this.#maxSize,
        // At least 1: lru-cache refuses an entry without a size.
        sizeCalculation: ({ text }, id) => text.length + id.length + 1,
      });
      this.#kinds.set(kind, entries);
    }
    return entries;
  }

  #count({ day, flow, result }: Counter): void {
    let counts = this.#counts.get(day);
    if (counts === undefined) {
      this.#counts.set(day, counts = new Map());
      const first = dayAt(Date.parse(day), -TALLY_DAYS);
      for (const old of this.#counts.keys()) if (old < first) this.#counts.delete(old);
    }
    const name = `${flow} ${result}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
}
