/**
 * {@linkcode MessageCache} in this process's memory: fast, forgotten when the process ends, and
 * bounded. When it is full, what was used longest ago goes first, even before its time.
 *
 * @module
 */

import { LRUCache } from "lru-cache";
import { CacheError, type Lifetimes, type MessageCache, type Remembered } from "./mod.ts";

/** What a {@linkcode MemoryMessageCache} needs. */
export interface MemoryMessageCacheOptions extends Lifetimes {
  /** Most messages of each kind: inbound, last inbound of a user, outbound; 100,000 by default. */
  readonly maxEntries?: number;
  /** Most characters of JSON and ids, of each kind; 64 Mi by default. */
  readonly maxSize?: number;
  /** Milliseconds on a clock that measures the lifetimes; `Date.now` by default. */
  readonly now?: () => number;
}

// As JSON, so that the size is known and nobody can change what is kept. The time is our own
// because lru-cache keeps an entry one tick too long, and for ever if it was put at time 0.
interface Entry {
  readonly json: string;
  readonly expiresAt: number;
}

/** Remembers messages until the process ends, or memory set aside for it is full. */
export class MemoryMessageCache implements MessageCache {
  readonly #options: MemoryMessageCacheOptions;
  readonly #now: () => number;
  readonly #inbound: LRUCache<string, Entry>;
  readonly #lastInbound: LRUCache<string, Entry>;
  readonly #outbound: LRUCache<string, Entry>;
  #closed = false;

  /** An empty cache. */
  constructor(options: MemoryMessageCacheOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#inbound = createStore(options);
    this.#lastInbound = createStore(options);
    this.#outbound = createStore(options);
  }

  /** See {@linkcode MessageCache.putInbound}. */
  putInbound(message: Remembered): Promise<void> {
    return this.#whileOpen(() => {
      const entry = this.#createEntry(message, this.#options.inboundTtlMs);
      this.#inbound.set(message.message_id, entry);
      this.#lastInbound.set(message.from_addr, entry);
    });
  }

  /** See {@linkcode MessageCache.getInbound}. */
  getInbound(messageId: string): Promise<Remembered | undefined> {
    return this.#whileOpen(() => this.#read(this.#inbound, messageId));
  }

  /** See {@linkcode MessageCache.getLastInbound}. */
  getLastInbound(userAddr: string): Promise<Remembered | undefined> {
    return this.#whileOpen(() => this.#read(this.#lastInbound, userAddr));
  }

  /** See {@linkcode MessageCache.putOutbound}. */
  putOutbound(message: Remembered): Promise<void> {
    return this.#whileOpen(() => {
      const entry = this.#createEntry(message, this.#options.outboundTtlMs);
      this.#outbound.set(message.message_id, entry);
    });
  }

  /** See {@linkcode MessageCache.getOutbound}. */
  getOutbound(messageId: string): Promise<Remembered | undefined> {
    return this.#whileOpen(() => this.#read(this.#outbound, messageId));
  }

  /** Forgets everything; any use after it is a {@linkcode CacheError}. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const store of [this.#inbound, this.#lastInbound, this.#outbound]) store.clear();
    return Promise.resolve();
  }

  #createEntry(message: Remembered, ttlMs: number): Entry {
    return { json: JSON.stringify(message), expiresAt: this.#now() + ttlMs };
  }

  #read(store: LRUCache<string, Entry>, key: string): Remembered | undefined {
    const entry = store.get(key);
    if (entry === undefined) return undefined;
    if (this.#now() < entry.expiresAt) return JSON.parse(entry.json);
    store.delete(key);
  }

  #whileOpen<T>(use: () => T): Promise<T> {
    return Promise.try(() => {
      if (this.#closed) throw new CacheError("Cannot use the cache: it is closed");
      return use();
    });
  }
}

function createStore(options: MemoryMessageCacheOptions): LRUCache<string, Entry> {
  return new LRUCache({
    max: options.maxEntries ?? 100_000,
    maxSize: options.maxSize ?? 64 * 1024 * 1024,
    sizeCalculation: ({ json }, key) => json.length + key.length,
  });
}
