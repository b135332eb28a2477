// Messages, notes about them, and counts for the audit, in a `Store`: which rows lie under
// which keys, for how long, within which limits; and how the store does.

import { getLogger } from "@logtape/logtape";
import type { CacheOperation, Metrics } from "../telemetry/mod.ts";
import { CacheHealth, type CacheStatus } from "./health.ts";
import { type Note, noteDown, type NoteKind } from "./notes.ts";
import { messagesOf, type Way } from "./of_user.ts";
import {
  keepRecords,
  type KeptRecord,
  type OrderedRecord,
  recordKeys,
  type RecordKind,
  toOrdered,
} from "./records.ts";
import { fromRow, type Remembered, TIMESTAMP_PLACE, timestampAt, toRow } from "./remembered.ts";
import {
  CacheError,
  type Change,
  countOf,
  dayAt,
  type DayCount,
  type Guard,
  keptCounts,
  type Store,
  type Tally,
} from "./store.ts";
import { UserAddresses } from "./user_key.ts";

const log = getLogger(["turn-channels", "cache"]);

/** A timestamp that is further in the future than this is of a clock that is wrong. */
export const MOST_AHEAD_MS: number = 5 * 60_000;

const PROBE_TTL_MS = 60_000;
/** As long as what a user was asked. */
const OLD_KEYS_MS = 48 * 60 * 60_000;

/** What a {@linkcode MessageCache} needs. */
export interface MessageCacheOptions {
  /** Where all is kept; closed with the cache. */
  readonly store: Store;
  /** Milliseconds for which an inbound message can be replied to. */
  readonly inboundTtlMs: number;
  /** Milliseconds for which events about an outbound message can be placed. */
  readonly outboundTtlMs: number;
  /** How users' addresses are read; national numbers are not, unless given. */
  readonly addresses?: UserAddresses;
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
  readonly #now: () => number;
  /** Counts what is looked up, hit or miss, and what fails. */
  metrics: Metrics | undefined;
  readonly #health: CacheHealth;
  #closing: PromiseLike<void> | undefined;
  /** How users' addresses are read. */
  readonly addresses: UserAddresses;
  /** Until when there may be entries of versions and configurations that had other keys for users. */
  readonly #oldKeysUntil: number;

  /** A cache in a store that nothing else uses. */
  constructor(options: MessageCacheOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#health = new CacheHealth(this.#now);
    this.addresses = options.addresses ?? new UserAddresses();
    this.#oldKeysUntil = this.#now() + Math.max(options.inboundTtlMs, OLD_KEYS_MS);
  }

  /** How it was when it was used, or probed, last. */
  status(): CacheStatus {
    return this.#health.status();
  }

  /** Finds out how it is while nobody may be using it: reads, and writes if that has failed. */
  async probe(): Promise<void> {
    const key = ["probe", ""] as const;
    const write: Change = { type: "set", keys: [key], value: "", ttlMs: PROBE_TTL_MS };
    try {
      await this.#use("read", (store) => store.get(key));
      if (this.#health.isFailing("write")) await this.#commit([write]);
      this.#health.lasts = await this.#options.store.lasts?.() ?? true;
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
    }
  }

  /**
   * Keeps an inbound message; and as the last one of its user (its `from_addr`), unless that one has a
   * later timestamp.
   * @param seenAt When it had come at the latest, in milliseconds since 1970; now, unless given. If its
   * timestamp is far beyond that, this is taken for it.
   * @param records What is kept with it, or not at all.
   */
  putInbound(
    message: Remembered,
    tallies?: readonly Tally[],
    seenAt: number = this.#now(),
    records: readonly KeptRecord[] = [],
  ): Promise<void> {
    const { message_id, from_addr, timestamp } = message;
    const { inboundTtlMs: ttlMs } = this.#options;
    const user = this.addresses.key(from_addr);
    const keys = [["inbound", message_id], ["last_inbound", user]] as const;
    const isAhead = timestamp > timestampAt(seenAt + MOST_AHEAD_MS);
    const value = toRow(isAhead ? { ...message, timestamp: timestampAt(seenAt) } : message);
    const unless = { kind: "last_inbound", has: { greaterAt: TIMESTAMP_PLACE } };
    const set: Change = { type: "set", keys, value, ttlMs, unless };
    return this.#commit([set, ...this.#keep(records)], tallies);
  }

  /** The inbound message with this id, if it is still remembered. */
  getInbound(messageId: string): Promise<Remembered | undefined> {
    return this.#get("inbound", messageId, fromRow);
  }

  /** The last inbound message of the user with this address, if remembered. Usually one look-up. */
  getLastInbound(userAddr: string): Promise<Remembered | undefined> {
    return this.#first("last_inbound", [...this.addresses.keys(userAddr), userAddr], fromRow);
  }

  /** Keeps an outbound message, as the last one to its user (its `to_addr`) too; and `records`. */
  putOutbound(
    message: Remembered,
    tallies?: readonly Tally[],
    records: readonly KeptRecord[] = [],
  ): Promise<void> {
    const { message_id, to_addr } = message;
    const user = this.addresses.key(to_addr);
    const keys = [["outbound", message_id], ["last_outbound", user]] as const;
    const { outboundTtlMs: ttlMs } = this.#options;
    const set: Change = { type: "set", keys, value: toRow(message), ttlMs };
    return this.#commit([set, ...this.#keep(records)], tallies);
  }

  /** The outbound message with this id, if it is still remembered. */
  getOutbound(messageId: string): Promise<Remembered | undefined> {
    return this.#get("outbound", messageId, fromRow);
  }

  /** The outbound message last put to the user with this address, if remembered. Usually one look-up. */
  getLastOutbound(userAddr: string): Promise<Remembered | undefined> {
    return this.#first("last_outbound", this.addresses.keys(userAddr), fromRow);
  }

  /**
   * What a user has sent, or was sent, since a time in milliseconds since 1970, in its order; the last of
   * very many. Looks at all that is kept, so only for operators.
   */
  ofUser(kind: Way, userAddr: string, since: number): Promise<readonly Remembered[]> {
    const { addresses } = this;
    const wanted = { kind, userAddr, addresses, since: timestampAt(since) };
    return this.#use("read", (store) => messagesOf(store, wanted));
  }

  /** Keeps or forgets all of the records, or none of them. */
  async putRecords(records: readonly KeptRecord[]): Promise<void> {
    await this.#commit(this.#keep(records));
  }

  /** What is kept of this kind under this id, if it is still remembered. Usually one look-up. */
  getRecord(kind: RecordKind, id: string): Promise<string | undefined> {
    return this.#first(kind, recordKeys(kind, id, this.addresses), textOrNone);
  }

  /** The same of what was kept with an order. */
  getOrdered(kind: RecordKind, id: string): Promise<OrderedRecord | undefined> {
    return this.#first(kind, recordKeys(kind, id, this.addresses), toOrdered);
  }

  /**
   * Keeps all of the notes, in place of older ones of the same kind and id, and the records, or none. Of one
   * kind and id the last one given stays.
   * @throws {RangeError} If there are more than {@linkcode MAX_NOTES}, or one is too long.
   */
  async putNotes(
    notes: readonly Note[],
    tallies?: readonly Tally[],
    records: readonly KeptRecord[] = [],
  ): Promise<void> {
    await this.#commit([...noteDown(notes), ...this.#keep(records)], tallies);
  }

  /** Keeps the note unless one of its kind and id is there already. Answers the value that is there. */
  async claimNote(note: Note): Promise<string | undefined> {
    const unless: Guard = { kind: note.kind, has: "any" };
    await this.#commit(noteDown([note]).map((set) => ({ ...set, unless })));
    return await this.getNote(note.kind, note.id);
  }

  /** The value noted under this id, if it is still remembered. */
  getNote(kind: NoteKind, id: string): Promise<string | undefined> {
    return this.#get(kind, id, textOrNone);
  }

  /** Forgets what is noted under this id. */
  deleteNote(kind: NoteKind, id: string): Promise<void> {
    return this.#commit([{ type: "delete", key: [kind, id] }]);
  }

  /**
   * Counts each of the tallies, on the day that the cache's clock says. Tallies given to a put are
   * committed with it, or not at all. Kept for `TALLY_DAYS` days.
   * @throws {RangeError} If a flow or result is no plain word; the same from the puts.
   */
  tally(tallies: readonly Tally[]): Promise<void> {
    return this.#commit([], tallies);
  }

  /** All counts that are kept, in the order of day, flow and result. */
  tallied(): Promise<readonly DayCount[]> {
    return this.#use("read", (store) => keptCounts(store, this.#now()));
  }

  /** How much of each kind is kept, where that is cheap to tell; some may have outlived its time. */
  entries(): Readonly<Record<string, number>> | undefined {
    return this.#options.store.sizes?.();
  }

  /** Takes no more, waits for the writes under way, and closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#options.store[Symbol.asyncDispose]();
    await this.#closing;
  }

  #keep(records: readonly KeptRecord[]): Change[] {
    return keepRecords(records, this.addresses);
  }

  /** What lies under the first of the keys; the others are tried while there may be something. */
  async #first<T>(
    kind: string,
    keys: readonly string[],
    decode: (value: unknown) => T | undefined,
  ): Promise<T | undefined> {
    const tried = this.#now() < this.#oldKeysUntil ? new Set(keys) : keys.slice(0, 1);
    for (const key of tried) {
      const found = await this.#get(kind, key, decode);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #get<T>(
    kind: string,
    id: string,
    decode: (value: unknown) => T | undefined,
  ): Promise<T | undefined> {
    const value = await this.#use("read", (store) => store.get([kind, id]));
    const found = decode(value);
    if (found === undefined && value !== undefined) {
      log.warn("Ignored a damaged entry in the cache");
    }
    // Only an operator asks for it.
    if (kind !== "last_outbound") this.metrics?.cacheRead(kind, found !== undefined);
    return found;
  }

  async #commit(changes: readonly Change[], tallies: readonly Tally[] = []): Promise<void> {
    const counts = tallies.map((tally) => countOf(tally, dayAt(this.#now())));
    await this.#use("write", (store) => store.commit([...changes, ...counts]));
  }

  /** Does `work` in the store, and notes whether it failed. */
  async #use<T>(operation: CacheOperation, work: (store: Store) => Promise<T>): Promise<T> {
    try {
      if (this.#closing !== undefined) throw closedError();
      const done = await work(this.#options.store);
      this.#health.worked(operation);
      return done;
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      this.metrics?.cacheFailed(operation);
      this.#health.failed(operation);
      // A store that is closed may end the reads under way with errors of its own.
      throw operation === "read" && this.#closing !== undefined ? closedError() : error;
    }
  }
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function closedError(): CacheError {
  return new CacheError("Cannot use the cache: it is closed");
}
