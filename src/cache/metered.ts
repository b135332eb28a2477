/**
 * {@linkcode MessageCache} that counts, in front of any other: what was looked up, hit or miss, and
 * what failed. It also knows how the other is, as its last use has shown.
 *
 * @module
 */

import type { CacheOperation, Metrics } from "../telemetry/mod.ts";
import {
  CacheError,
  type DayCount,
  type MessageCache,
  type Note,
  type NoteKind,
  type Remembered,
  type Tally,
} from "./mod.ts";

/** How a cache is. */
export interface CacheStatus {
  /** Whether reading or writing failed when it was done last. */
  readonly isFailing: boolean;
  /** When it failed last, in milliseconds since 1970; undefined if it has not yet. */
  readonly lastFailure: number | undefined;
}

/** Counts, and leaves the rest to another. */
export class MeteredMessageCache implements MessageCache {
  readonly #cache: MessageCache;
  readonly #metrics: Metrics;
  readonly #now: () => number;
  readonly #failedReading: (error: unknown) => never;
  readonly #failedWriting: (error: unknown) => never;
  /** What failed when it was done last: on a full disk what is there can still be read. */
  readonly #failing = new Set<CacheOperation>();
  #lastFailure: number | undefined;

  /** In front of `cache`. */
  constructor(cache: MessageCache, metrics: Metrics, now: () => number = Date.now) {
    this.#cache = cache;
    this.#metrics = metrics;
    this.#now = now;
    this.#failedReading = (error) => this.#failed("read", error);
    this.#failedWriting = (error) => this.#failed("write", error);
  }

  /** How it is. */
  status(): CacheStatus {
    return { isFailing: this.#failing.size > 0, lastFailure: this.#lastFailure };
  }

  /** See {@linkcode MessageCache.putInbound}. */
  putInbound(message: Remembered, tallies?: readonly Tally[]): Promise<void> {
    return this.#write(this.#cache.putInbound(message, tallies));
  }

  /** See {@linkcode MessageCache.getInbound}. */
  getInbound(messageId: string): Promise<Remembered | undefined> {
    return this.#read("inbound", this.#cache.getInbound(messageId));
  }

  /** See {@linkcode MessageCache.getLastInbound}. */
  getLastInbound(userAddr: string): Promise<Remembered | undefined> {
    return this.#read("last_inbound", this.#cache.getLastInbound(userAddr));
  }

  /** See {@linkcode MessageCache.putOutbound}. */
  putOutbound(message: Remembered, tallies?: readonly Tally[]): Promise<void> {
    return this.#write(this.#cache.putOutbound(message, tallies));
  }

  /** See {@linkcode MessageCache.getOutbound}. */
  getOutbound(messageId: string): Promise<Remembered | undefined> {
    return this.#read("outbound", this.#cache.getOutbound(messageId));
  }

  /** See {@linkcode MessageCache.getLastOutbound}. Only an operator asks, so it is not counted. */
  getLastOutbound(userAddr: string): Promise<Remembered | undefined> {
    return this.#cache.getLastOutbound(userAddr).catch(this.#failedReading);
  }

  /** See {@linkcode MessageCache.putNotes}. */
  putNotes(notes: readonly Note[], tallies?: readonly Tally[]): Promise<void> {
    return this.#write(this.#cache.putNotes(notes, tallies));
  }

  /** See {@linkcode MessageCache.getNote}. */
  getNote(kind: NoteKind, id: string): Promise<string | undefined> {
    return this.#read(kind, this.#cache.getNote(kind, id));
  }

  /** See {@linkcode MessageCache.deleteNote}. */
  deleteNote(kind: NoteKind, id: string): Promise<void> {
    return this.#write(this.#cache.deleteNote(kind, id));
  }

  /** See {@linkcode MessageCache.tally}. */
  tally(tallies: readonly Tally[]): Promise<void> {
    return this.#write(this.#cache.tally(tallies));
  }

  /** See {@linkcode MessageCache.tallied}. */
  tallied(): Promise<readonly DayCount[]> {
    return this.#cache.tallied().catch(this.#failedReading);
  }

  /** See {@linkcode MessageCache.entries}. */
  entries(): Readonly<Record<string, number>> | undefined {
    return this.#cache.entries?.();
  }

  /** Closes the other. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#cache[Symbol.asyncDispose]());
  }

  #read<T>(kind: NoteKind | "inbound" | "last_inbound" | "outbound", work: Promise<T>): Promise<T> {
    return work.then((found) => {
      this.#failing.delete("read");
      this.#metrics.cacheRead(kind, found !== undefined);
      return found;
    }, this.#failedReading);
  }

  #write(work: Promise<void>): Promise<void> {
    return work.then(this.#written, this.#failedWriting);
  }

  readonly #written = (): void => void this.#failing.delete("write");

  #failed(operation: CacheOperation, error: unknown): never {
    if (error instanceof CacheError) {
      this.#metrics.cacheFailed(operation);
      this.#failing.add(operation);
      this.#lastFailure = this.#now();
    }
    throw error;
  }
}
