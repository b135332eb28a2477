/**
 * Messages, notes about them, and counts for the audit, in a {@linkcode Store}: which rows lie under
 * which keys, for how long, within which limits; and how the store does.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { CacheOperation, Metrics } from "../telemetry/mod.ts";
import { fromRow, isRow, type Remembered, toRow } from "./remembered.ts";
import { CacheError, type Change, dayAt, type DayCount, type Store, TALLY_DAYS } from "./store.ts";

const log = getLogger(["turn-channels", "cache"]);

/** How long messages are remembered. */
export interface Lifetimes {
  /** Milliseconds for which an inbound message can be replied to. */
  readonly inboundTtlMs: number;
  /** Milliseconds for which events about an outbound message can be placed. */
  readonly outboundTtlMs: number;
}

/** What can be noted down about an id, beside messages. An id means another thing in each kind. */
export type NoteKind =
  /** Turn has this message of a user's, since when; by message id. */
  | "delivered_inbound"
  /** What Turn has been told of a message of its own; by the message's id. */
  | "told"
  /** When the broker has confirmed a message to a user; by the message's id. */
  | "confirmed"
  /** How often we have died over this message or event; by id. */
  | "suspect"
  /** What a request of Turn's was answered with; by the hash of its body. */
  | "answer"
  /** Which of a user's messages wait elsewhere, so that others go behind them; by flow and user. */
  | "order"
  /** That a message or event waits in a delay queue, and until when; by flow and id. */
  | "delayed"
  /** What of a user's, or of a message's, is `delayed`; by the user's address or the message's id. */
  | "delayed_list";

/** Something noted down about an id. */
export interface Note {
  /** What it is about. */
  readonly kind: NoteKind;
  /** Any string, as for messages. */
  readonly id: string;
  /** What is to be remembered; short: up to {@linkcode MAX_NOTE_LENGTH} characters. */
  readonly value: string;
  /** Milliseconds from now, more than 0. */
  readonly ttlMs: number;
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

/** How many notes can be kept at once, all or none. */
export const MAX_NOTES = 100;

/** How many characters the value of a note may have. */
export const MAX_NOTE_LENGTH = 1000;

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
    const { inboundTtlMs } = this.#options;
    return this.#putMessage("inbound", message.from_addr, message, inboundTtlMs, tallies);
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
    const { outboundTtlMs } = this.#options;
    return this.#putMessage("outbound", message.to_addr, message, outboundTtlMs, tallies);
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
  async putNotes(notes: readonly Note[], tallies?: readonly Tally[]): Promise<void> {
    checkNotes(notes);
    const changes = notes.map(({ kind, id, value, ttlMs }): Change => (
      { type: "set", keys: [[kind, id]], value: JSON.stringify(value), ttlMs }
    ));
    await this.#commit(changes, tallies);
  }

  /** The value noted under this id, if it is still remembered. */
  getNote(kind: NoteKind, id: string): Promise<string | undefined> {
    return this.#get(kind, id, (value) => typeof value === "string" ? value : undefined);
  }

  /** Forgets what is noted under this id. */
  deleteNote(kind: NoteKind, id: string): Promise<void> {
    return this.#commit([{ type: "delete", key: [kind, id] }]);
  }

  /**
   * Counts each of the tallies, on the day that the cache's clock says. Tallies given to a put are
   * committed with it, or not at all. Kept for {@linkcode TALLY_DAYS} days.
   *
   * @throws {RangeError} If a flow or result is no plain word; the same from the puts.
   */
  tally(tallies: readonly Tally[]): Promise<void> {
    return this.#commit([], tallies);
  }

  /** All counts that are kept, in the order of day, flow and result. */
  async tallied(): Promise<readonly DayCount[]> {
    const now = this.#now();
    // And the next day: the clock of another machine may be there.
    const days = Array.from(
      { length: TALLY_DAYS + 2 },
      (_, index) => dayAt(now, index - TALLY_DAYS),
    );
    const counts = await this.#read(() => this.#store.counters(days));
    return counts.toSorted((a, b) => nameOf(a) < nameOf(b) ? -1 : 1);
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

  async #putMessage(
    kind: "inbound" | "outbound",
    userAddr: string,
    message: Remembered,
    ttlMs: number,
    tallies?: readonly Tally[],
  ): Promise<void> {
    const keys = [[kind, message.message_id], [`last_${kind}`, userAddr]] as const;
    const value = JSON.stringify(toRow(message));
    await this.#commit([{ type: "set", keys, value, ttlMs }], tallies);
  }

  #getMessage(kind: string, id: string): Promise<Remembered | undefined> {
    return this.#get(kind, id, (value) => isRow(value) ? fromRow(value) : undefined);
  }

  async #get<T>(
    kind: string,
    id: string,
    decode: (value: unknown) => T | undefined,
  ): Promise<T | undefined> {
    const json = await this.#read(() => this.#store.get([kind, id]));
    const found = json === undefined ? undefined : decode(parse(json));
    if (found === undefined && json !== undefined) {
      log.warn("Damaged entry in the cache taken as absent");
    }
    // That one only an operator asks for.
    if (kind !== "last_outbound") this.#metrics?.cacheRead(kind, found !== undefined);
    return found;
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      this.#refuseIfClosed();
      const found = await read();
      this.#failing.delete("read");
      return found;
    } catch (error) {
      // A store that is closed may end the reads under way with errors of its own.
      const isCut = this.#closing !== undefined && error instanceof CacheError;
      this.#failed("read", isCut ? closedError() : error);
    }
  }

  async #commit(changes: readonly Change[], tallies: readonly Tally[] = []): Promise<void> {
    const counts = tallies.length === 0 ? [] : countsOf(tallies, dayAt(this.#now()));
    try {
      this.#refuseIfClosed();
      await this.#store.commit([...changes, ...counts]);
      this.#failing.delete("write");
    } catch (error) {
      this.#failed("write", error);
    }
  }

  #refuseIfClosed(): void {
    if (this.#closing !== undefined) throw closedError();
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

function checkNotes(notes: readonly Note[]): void {
  if (notes.length > MAX_NOTES) {
    throw new RangeError(`Cannot keep ${notes.length} notes at once: at most ${MAX_NOTES}`);
  }
  for (const { kind, value } of notes) {
    if (value.length <= MAX_NOTE_LENGTH) continue;
    throw new RangeError(
      `Cannot keep a ${kind} note of ${value.length} characters: at most ${MAX_NOTE_LENGTH}`,
    );
  }
}

function countsOf(tallies: readonly Tally[], day: string): Change[] {
  return tallies.map(({ flow, result }) => {
    if (WORD.test(flow) && WORD.test(result)) return { type: "count", day, flow, result };
    throw new RangeError(`Cannot count ${JSON.stringify([flow, result])}: must be plain words`);
  });
}

/** Undefined if it is no JSON: the engine's own message quotes it, which has addresses. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** In the order of these are counts listed: a space comes before all that words may have. */
function nameOf({ day, flow, result }: DayCount): string {
  return `${day} ${flow} ${result}`;
}
