/**
 * {@linkcode MessageCache} in this process's memory: fast, forgotten when the process ends, and
 * bounded.
 *
 * Each kind of message (inbound, outbound, the last of either of a user) and each kind of note has bounds
 * of its own, by number and by size. When a kind is full, what was put or read longest ago goes
 * first, even before its time; what has outlived its time takes room until then. So a user who was
 * silent longest can't be replied to any more, and a flood of one kind pushes out no other. Counts
 * are never pushed out: they go by day.
 *
 * @module
 */

import { LRUCache } from "lru-cache";
import {
  CacheError,
  type DayCount,
  type Lifetimes,
  type MessageCache,
  type Note,
  type NoteKind,
  type Remembered,
  type Tally,
} from "./mod.ts";
import { checkNotes } from "./record_limits.ts";
import { fromRow, toRow } from "./row.ts";
import { checkTallies, dayAt, firstDayKept, inOrder } from "./tally.ts";

/** What a {@linkcode MemoryMessageCache} needs. */
export interface MemoryMessageCacheOptions extends Lifetimes {
  /** Most messages or notes of each kind; 100,000 by default. */
  readonly maxEntries?: number;
  /** Most characters of what is kept and of ids, of each kind; 64 Mi by default. */
  readonly maxSize?: number;
  /** Milliseconds on a clock that measures the lifetimes; `Date.now` by default. */
  readonly now?: () => number;
}

type Kind = "inbound" | "last_inbound" | "outbound" | "last_outbound" | NoteKind;

// As text, messages in JSON, so that the size is known and nobody can change what is kept. The time
// is our own because lru-cache keeps an entry one tick too long, and for ever if it was put at
// time 0.
interface Entry {
  readonly text: string;
  readonly expiresAt: number;
}

type Store = LRUCache<string, Entry>;

/** Remembers messages until the process ends, or memory set aside for them is full. */
export class MemoryMessageCache implements MessageCache {
  readonly #options: MemoryMessageCacheOptions;
  readonly #now: () => number;
  readonly #stores = new Map<Kind, Store>();
  /** By day; then by flow and result, with a space between. */
  readonly #counts = new Map<string, Map<string, number>>();
  #closed = false;

  /** An empty cache. */
  constructor(options: MemoryMessageCacheOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** See {@linkcode MessageCache.putInbound}. */
  putInbound(message: Remembered, tallies: readonly Tally[] = []): Promise<void> {
    return this.#whileOpen(() => {
      this.#count(tallies);
      const entry = this.#createEntry(JSON.stringify(toRow(message)), this.#options.inboundTtlMs);
      this.#put("inbound", message.message_id, entry);
      this.#put("last_inbound", message.from_addr, entry);
    });
  }

  /** See {@linkcode MessageCache.getInbound}. */
  getInbound(messageId: string): Promise<Remembered | undefined> {
    return this.#getMessage("inbound", messageId);
  }

  /** See {@linkcode MessageCache.getLastInbound}. */
  getLastInbound(userAddr: string): Promise<Remembered | undefined> {
    return this.#getMessage("last_inbound", userAddr);
  }

  /** See {@linkcode MessageCache.putOutbound}. */
  putOutbound(message: Remembered, tallies: readonly Tally[] = []): Promise<void> {
    return this.#whileOpen(() => {
      this.#count(tallies);
      const entry = this.#createEntry(JSON.stringify(toRow(message)), this.#options.outboundTtlMs);
      this.#put("outbound", message.message_id, entry);
      this.#put("last_outbound", message.to_addr, entry);
    });
  }

  /** See {@linkcode MessageCache.getOutbound}. */
  getOutbound(messageId: string): Promise<Remembered | undefined> {
    return this.#getMessage("outbound", messageId);
  }

  /** See {@linkcode MessageCache.getLastOutbound}. */
  getLastOutbound(userAddr: string): Promise<Remembered | undefined> {
    return this.#getMessage("last_outbound", userAddr);
  }

  /** See {@linkcode MessageCache.putNotes}. */
  putNotes(notes: readonly Note[], tallies: readonly Tally[] = []): Promise<void> {
    return this.#whileOpen(() => {
      checkNotes(notes);
      this.#count(tallies);
      for (const { kind, id, value, ttlMs } of notes) {
        this.#put(kind, id, this.#createEntry(value, ttlMs));
      }
    });
  }

  /** See {@linkcode MessageCache.getNote}. */
  getNote(kind: NoteKind, id: string): Promise<string | undefined> {
    return this.#whileOpen(() => this.#read(kind, id));
  }

  /** See {@linkcode MessageCache.deleteNote}. */
  deleteNote(kind: NoteKind, id: string): Promise<void> {
    return this.#whileOpen(() => void this.#store(kind).delete(id));
  }

  /** See {@linkcode MessageCache.tally}. */
  tally(tallies: readonly Tally[]): Promise<void> {
    return this.#whileOpen(() => this.#count(tallies));
  }

  /** See {@linkcode MessageCache.tallied}. */
  tallied(): Promise<readonly DayCount[]> {
    return this.#whileOpen(() => {
      this.#forgetOldDays();
      const days = [...this.#counts].map(([day, counts]) =>
        [...counts].map(([name, count]) => {
          const [flow = "", result = ""] = name.split(" ");
          return { day, flow, result, count };
        })
      );
      return inOrder(days.flat());
    });
  }

  /** See {@linkcode MessageCache.entries}. */
  entries(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#stores].map(([kind, { size }]) => [kind, size]));
  }

  /** Forgets everything; any use after it is a {@linkcode CacheError}. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#stores.clear();
    this.#counts.clear();
    return Promise.resolve();
  }

  #createEntry(text: string, ttlMs: number): Entry {
    return { text, expiresAt: this.#now() + ttlMs };
  }

  #getMessage(kind: Kind, id: string): Promise<Remembered | undefined> {
    return this.#whileOpen(() => {
      const json = this.#read(kind, id);
      return json === undefined ? undefined : fromRow(JSON.parse(json));
    });
  }

  #read(kind: Kind, id: string): string | undefined {
    const store = this.#store(kind);
    const entry = store.get(id);
    if (entry === undefined) return undefined;
    if (this.#now() < entry.expiresAt) return entry.text;
    store.delete(id);
  }

  #put(kind: Kind, id: string, entry: Entry): void {
    const { maxEntries = 100_000 } = this.#options;
    const store = this.#store(kind);
    store.set(id, entry);
    if (store.size > maxEntries) store.pop();
  }

  #store(kind: Kind): Store {
    let store = this.#stores.get(kind);
    if (store === undefined) this.#stores.set(kind, store = createStore(this.#options));
    return store;
  }

  #count(tallies: readonly Tally[]): void {
    if (tallies.length === 0) return;
    checkTallies(tallies);
    const today = dayAt(this.#now());
    let counts = this.#counts.get(today);
    if (counts === undefined) {
      this.#forgetOldDays();
      this.#counts.set(today, counts = new Map());
    }
    for (const { flow, result } of tallies) {
      const name = `${flow} ${result}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }

  #forgetOldDays(): void {
    const first = firstDayKept(this.#now());
    for (const day of this.#counts.keys()) if (day < first) this.#counts.delete(day);
  }

  #whileOpen<T>(use: () => T): Promise<T> {
    return Promise.try(() => {
      if (this.#closed) throw new CacheError("Cannot use the cache: it is closed");
      return use();
    });
  }
}

/** Without lru-cache's own `max`, for which it takes all memory at once: megabytes, in each channel. */
function createStore({ maxSize }: MemoryMessageCacheOptions): Store {
  return new LRUCache({
    maxSize: maxSize ?? 64 * 1024 * 1024,
    // At least 1: lru-cache refuses an entry without a size.
    sizeCalculation: ({ text }, key) => text.length + key.length + 1,
  });
}
