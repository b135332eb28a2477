/**
 * What must be remembered between two messages, in the bridge's words: the port
 * {@linkcode MessageCache}. The adapters are `memory.ts`, `deno_kv.ts` and `redis.ts`; what all must do
 * is written down in tests/cache/contract.ts.
 *
 * @module
 */

import type { Message } from "../vumi/mod.ts";

/**
 * What is kept of a message: what a reply or a status needs, and an operator who looks for it. Neither
 * what people wrote nor metadata that belongs to others is, if a whole message is put.
 */
export type Remembered = Pick<
  Message,
  | "message_id"
  | "to_addr"
  | "from_addr"
  | "transport_name"
  | "transport_type"
  | "timestamp"
  | "in_reply_to"
  | "provider"
  | "group"
  | "session_event"
  | "transport_metadata"
>;

/** How long things are remembered. Each adapter's options begin with these. */
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
export interface Tally {
  /** Which way: `inbound`, `status`, `outbound`. */
  readonly flow: string;
  /** What it came to. */
  readonly result: string;
}

/** A count of the audit. */
export interface DayCount extends Tally {
  /** The day in UTC, `YYYY-MM-DD`. */
  readonly day: string;
  /** How often. */
  readonly count: number;
}

/** The store can't be reached or refuses; what was to be kept is not kept. It may work later. */
export class CacheError extends Error {
  /** Always "CacheError". */
  override readonly name = "CacheError";
}

/**
 * Who wrote last, to reply; what was sent, to place its events. Any string will do as an id or an
 * address, and what is kept may be up to 1 MiB as JSON. What has outlived its time is not returned,
 * swept or not. After a put has resolved, a get finds it; a get by this program already after the put
 * was called, by then waiting for it if need be.
 *
 * Every method throws {@linkcode CacheError} if the store can't be reached.
 */
export interface MessageCache extends AsyncDisposable {
  /** Keeps an inbound message, as the last one of its user (its `from_addr`) too. */
  putInbound(message: Remembered, tallies?: readonly Tally[]): Promise<void>;

  /** The inbound message with this id, if it is still remembered. */
  getInbound(messageId: string): Promise<Remembered | undefined>;

  /** The inbound message last put of the user with this address, if remembered. One look-up. */
  getLastInbound(userAddr: string): Promise<Remembered | undefined>;

  /**
   * Keeps an outbound message, so that events about it can be placed, as the last one to its user (its
   * `to_addr`) too.
   */
  putOutbound(message: Remembered, tallies?: readonly Tally[]): Promise<void>;

  /** The outbound message with this id, if it is still remembered. */
  getOutbound(messageId: string): Promise<Remembered | undefined>;

  /** The outbound message last put to the user with this address, if remembered. One look-up. */
  getLastOutbound(userAddr: string): Promise<Remembered | undefined>;

  /**
   * Keeps all of the notes, in place of older ones of the same kind and id, or none of them. Of one
   * kind and id the last one given stays.
   *
   * @throws {RangeError} If there are more than {@linkcode MAX_NOTES}, or one is too long.
   */
  putNotes(notes: readonly Note[], tallies?: readonly Tally[]): Promise<void>;

  /** The value noted under this id, if it is still remembered. */
  getNote(kind: NoteKind, id: string): Promise<string | undefined>;

  /** Forgets what is noted under this id. */
  deleteNote(kind: NoteKind, id: string): Promise<void>;

  /**
   * Counts each of the tallies, on the day that the cache's clock says. Tallies given to a put are
   * committed with it, or not at all. Kept for {@linkcode TALLY_DAYS} days.
   *
   * @throws {RangeError} If a flow or result is no plain word; the same from the puts.
   */
  tally(tallies: readonly Tally[]): Promise<void>;

  /** All counts that are kept, in the order of day, flow and result. */
  tallied(): Promise<readonly DayCount[]>;

  /** How much of each kind is kept, where that is cheap to tell; some may have outlived its time. */
  entries?(): Readonly<Record<string, number>> | undefined;
}

/** How many days counts are kept, at least: those before today. */
export const TALLY_DAYS = 30;

/** How many notes can be kept at once, all or none. */
export const MAX_NOTES = 100;

/** How many characters the value of a note may have. */
export const MAX_NOTE_LENGTH = 1000;
