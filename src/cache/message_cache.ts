/**
 * Messages, notes about them, and counts for the audit, in a {@linkcode Store}: which rows lie under
 * which keys, for how long, within which limits; and how the store does.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { CacheOperation, Metrics } from "../telemetry/mod.ts";
import { type Note, noteDown, type NoteKind } from "./notes.ts";
import { fromRow, isRow, type Remembered, toRow } from "./remembered.ts";
import {
  CacheError,
  type Change,
  dayAt,
  type DayCount,
  type Key,
  type Store,
  TALLY_DAYS,
} from "./store.ts";

const log = getLogger(["turn-channels", "cache"]);

/** How long messages are remembered. */
export interface Lifetimes {
  /** Milliseconds for which an inbound message can be replied to. */
  readonly inboundTtlMs: number;
  /** Milliseconds for which events about an outbound message can be placed. */
  readonly outboundTtlMs: number;
}

/**
 * One of something that is counted, for the audit: counts by day (UTC), flow and result. Both are
 * plain words: of up to 32 letters, digits, `_` and `-`.
 */
export type Tally = Pick<DayCount, "flow" | "result">;

/** How a cache is. */
export interface CacheStatus {
  /** Whether reading or writing failed when it was done last. */
  readonly isFailing: boolean;
  /** When it failed last, in milliseconds since 1970; undefined if it has not yet. */
  readonly lastFailure: number | undefined;
}

const WORD = /^[\w-]{1,32}$/;

/** What a {@linkcode MessageCache} needs. */
export interface MessageCacheOptions extends Lifetimes {
  /** Where all is kept; closed with the cache. */
  readonly store: Store;
  /** Milliseconds on the clock that tells the day for counts; `Date.now` by default. */
  readonly now?: () => number;
}

/**
 * Who wrote last, to reply; what was sent, to place its events. Any string will do as an id or an
 * address, and what is kept may be up to 1 MiB as JSON. What has outlived its time is not returned,
 * swept or not. After a put has resolved, a get finds it; a get by this program already after the put
 * was called, by then waiting for it if need be.
 *
 * Every method throws {@linkcode CacheError} if the store can't be reached.
 */
export class MessageCache implements AsyncDisposable {
  readonly #options: MessageCacheOptions;
  readonly #store: Store;
  readonly #now: () => number;
  #metrics: Metrics | undefined;
  /** What failed when it was done last: on a full disk what is there can still be read. */
  readonly #failing = new Set<CacheOperation>();
  #lastFailure: number | undefined;
  #closing: PromiseLike<void> | undefined;

  /** A cache in a store that nothing else uses. */
  constructor(options: MessageCacheOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#now = options.now ?? Date.now;
  }

  /** Counts from now on what is looked up, hit or miss, and what fails. */
  meter(metrics: Metrics): void {
    this.#metrics = metrics;
  }

  /** How the store is, as its last use has shown. */
  status(): CacheStatus {
    return { isFailing: this.#failing.size > 0, lastFailure: this.#lastFailure };
  }

  /** Keeps an inbound message, as the last one of its user (its `from_addr`) too. */
  putInbound(message: Remembered, tallies?: readonly Tally[]): Promise<void> {
    const { message_id, from_addr } = message;
    const keys = [["inbound", message_id], ["last_inbound", from_addr]] as const;
    return this.#commit(() => [keep(message, keys, this.#options.inboundTtlMs)], tallies);
  }

  /** The inbound message with this id, if it is still remembered. */
  getInbound(messageId: string): Promise<Remembered | undefined> {
    return this.#getMessage("inbound", messageId);
  }

  /** The inbound message last put of the user with this address, if remembered. One look-up. */
  getLastInbound(userAddr: string): Promise<Remembered | undefined> {
    return this.#getMessage("last_inbound", userAddr);
  }

  /**
   * Keeps an outbound message, so that events about it can be placed, as the last one to its user (its
   * `to_addr`) too.
   */
  putOutbound(message: Remembered, tallies?: readonly Tally[]): Promise<void> {
    const { message_id, to_addr } = message;
    const keys = [["outbound", message_id], ["last_outbound", to_addr]] as const;
    return this.#commit(() => [keep(message, keys, this.#options.outboundTtlMs)], tallies);
  }

  /** The outbound message with this id, if it is still remembered. */
  getOutbound(messageId: string): Promise<Remembered | undefined> {
    return this.#getMessage("outbound", messageId);
  }

  /** The outbound message last put to the user with this address, if remembered. One look-up. */
  getLastOutbound(userAddr: string): Promise<Remembered | undefined> {
    return this.#getMessage("last_outbound", userAddr);
  }

  /**
   * Keeps all of the notes, in place of older ones of the same kind and id, or none of them. Of one
   * kind and id the last one given stays.
   *
   * @throws {RangeError} If there are more than {@linkcode MAX_NOTES}, or one is too long.
   */
  putNotes(notes: readonly Note[], tallies?: readonly Tally[]): Promise<void> {
    return this.#commit(() => noteDown(notes), tallies);
  }

  /** The value noted under this id, if it is still remembered. */
  getNote(kind: NoteKind, id: string): Promise<string | undefined> {
    return this.#get(kind, id, (value) => typeof value === "string" ? value : undefined);
  }

  /** Forgets what is noted under this id. */
  deleteNote(kind: NoteKind, id: string): Promise<void> {
    return this.#commit(() => [{ type: "delete", key: [kind, id] }]);
  }

  /**
   * Counts each of the tallies, on the day that the cache's clock says. Tallies given to a put are
   * committed with it, or not at all. Kept for {@linkcode TALLY_DAYS} days.
   *
   * @throws {RangeError} If a flow or result is no plain word; the same from the puts.
   */
  tally(tallies: readonly Tally[]): Promise<void> {
    return this.#commit(() => [], tallies);
  }

  /** All counts that are kept, in the order of day, flow and result. */
  async tallied(): Promise<readonly DayCount[]> {
    const now = this.#now();
    // And the next day: the clock of another machine may be there.
    const days = Array.from(
      { length: TALLY_DAYS + 2 },
      (_, index) => dayAt(now, index - TALLY_DAYS),
    );
    try {
      const counts = await this.#open().counters(days);
      return counts.toSorted((a, b) => nameOf(a) < nameOf(b) ? -1 : 1);
    } catch (error) {
      this.#failedReading(error);
    }
  }

  /** How much of each kind is kept, where that is cheap to tell; some may have outlived its time. */
  entries(): Readonly<Record<string, number>> | undefined {
    return this.#store.sizes?.();
  }

  /** Takes no more, waits for the writes under way, and closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#store[Symbol.asyncDispose]();
    await this.#closing;
  }

  #getMessage(kind: string, id: string): Promise<Remembered | undefined> {
    return this.#get(kind, id, (value) => isRow(value) ? fromRow(value) : undefined);
  }

  async #get<T>(
    kind: string,
    id: string,
    decode: (value: unknown) => T | undefined,
  ): Promise<T | undefined> {
    let value: unknown;
    try {
      value = await this.#open().get([kind, id]);
    } catch (error) {
      this.#failedReading(error);
    }
    this.#failing.delete("read");
    const found = decode(value);
    if (found === undefined && value !== undefined) {
      log.warn("Damaged entry in the cache taken as absent");
    }
    // That one only an operator asks for.
    if (kind !== "last_outbound") this.#metrics?.cacheRead(kind, found !== undefined);
    return found;
  }

  /** What `makeChanges` throws is a rejection too. */
  async #commit(makeChanges: () => Change[], tallies: readonly Tally[] = []): Promise<void> {
    const changes = makeChanges();
    if (tallies.length > 0) {
      const day = dayAt(this.#now());
      for (const tally of tallies) changes.push(countOf(tally, day));
    }
    try {
      await this.#open().commit(changes);
    } catch (error) {
      this.#failed("write", error);
    }
    this.#failing.delete("write");
  }

  #open(): Store {
    if (this.#closing !== undefined) throw closedError();
    return this.#store;
  }

  /** A store that is closed may end the reads under way with errors of its own. */
  #failedReading(error: unknown): never {
    const isCut = this.#closing !== undefined && error instanceof CacheError;
    this.#failed("read", isCut ? closedError() : error);
  }

  #failed(operation: CacheOperation, error: unknown): never {
    if (error instanceof CacheError) {
      this.#metrics?.cacheFailed(operation);
      this.#failing.add(operation);
      this.#lastFailure = this.#now();
    }
    throw error;
  }
}

function closedError(): CacheError {
  return new CacheError("Cannot use the cache: it is closed");
}

function keep(message: Remembered, keys: readonly Key[], ttlMs: number): Change {
  return { type: "set", keys, value: toRow(message), ttlMs };
}

function countOf({ flow, result }: Tally, day: string): Change {
  if (WORD.test(flow) && WORD.test(result)) return { type: "count", day, flow, result };
  throw new RangeError(`Cannot count ${JSON.stringify([flow, result])}: must be plain words`);
}

/** In the order of these are counts listed: a space comes before all that words may have. */
function nameOf({ day, flow, result }: DayCount): string {
  return `${day} ${flow} ${result}`;
}
