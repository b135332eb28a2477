/**
 * What is to be delivered to Turn, and what is known of it while it is in hand.
 *
 * @module
 */

import type { Note } from "../cache/mod.ts";
import type { Arrival } from "../vumi/mod.ts";
import type { Call, Skip, Tries } from "./attempts.ts";
import type { Whose } from "./delayed_records.ts";
import type { Held } from "./in_flight.ts";
import type { DeliveredRecord } from "./delivery_records.ts";
import { NO_PAST, type Past, readPast } from "./retries.ts";
import type { Cleared, PoisonMessages } from "./poison_messages.ts";

/** One thing to be delivered. */
export interface TurnJob<T> extends Pick<Call, "id" | "names" | "call"> {
  /** What it is about; see {@link Courier}. */
  readonly value: T;
  /** What has the same key stays in order. */
  readonly key: string;
  /** How long after the first failure it is worth trying, in milliseconds. */
  readonly retryForMs: number;
  /** When vumi queued it, in milliseconds since 1970. */
  readonly queuedAt?: number;
  /**
   * Whether Turn has it. Asked only of what has been here before.
   *
   * @throws {CacheError} Then the message waits.
   */
  isDelivered(): Promise<boolean>;
  /**
   * What has to be done before Turn is called.
   *
   * @param isNew Whether it is sure that this has not been done before.
   * @throws {CacheError} Then the message waits, and this is called again, not as new.
   */
  prepare(isNew: boolean): Promise<Skip | undefined>;
  /** What is to be remembered when Turn has it: since then, at the attempt of this number. */
  notes(delivered: DeliveredRecord): readonly Note[];
  /**
   * Whom it is about. Asked only of what has to wait elsewhere.
   *
   * @throws {CacheError} Then it is not noted.
   */
  whose(): Promise<Whose>;
  /** What else is told of it at its end. */
  about?(): Readonly<Record<string, unknown>>;
}

/** A parcel in hand, whose turn has come. */
export class Work<T> {
  /** What is to be delivered. */
  readonly parcel: TurnJob<T>;
  /** How it came. */
  readonly arrival: Arrival;
  /** Its time in hand. */
  readonly held: Held;
  /** What it came with, if it was sent elsewhere before. */
  readonly past: Past | undefined;
  /** What we know of it, if it was in hand here before and we let it go ourselves. */
  readonly cleared: Cleared | undefined;
  /** Quick attempts. */
  readonly tries: Tries;
  /** Whether what has to be done before Turn is called was begun, now or before. */
  isBegun: boolean;
  /** Whether what was noted of its absence was taken back. */
  hasArrived = false;
  /** Whether it was counted that it has come again. */
  isCounted = false;
  /** How often the cache has failed over it. */
  cacheFailures = 0;

  /** Reads what it came with. */
  constructor(parcel: TurnJob<T>, arrival: Arrival, held: Held, suspects: PoisonMessages) {
    const { headers, redelivered } = arrival;
    const past = readPast(headers);
    const isKnown = redelivered || past !== undefined;
    const cleared = isKnown ? suspects.takeCleared(parcel.id) : undefined;
    const before = past?.waits === 0 ? past.attempts : 0;
    this.parcel = parcel;
    this.arrival = arrival;
    this.held = held;
    this.past = past;
    this.cleared = cleared;
    this.isBegun = cleared?.isBegun ?? (redelivered || past?.isBegun === true);
    this.tries = { failures: Math.max(cleared?.failures ?? 0, before) };
  }

  /** Whether we may have died over it. */
  get isSuspect(): boolean {
    const mayBe = this.arrival.redelivered || this.past?.isBegun === true;
    return mayBe && this.cleared === undefined;
  }

  /** Whether it is sure that nothing has been done about it. */
  get isNew(): boolean {
    return !this.isBegun && (this.past?.attempts ?? 0) === 0;
  }

  /**
   * What it has behind it now. Attempts before its first wait were quick ones: it comes back to the
   * rest of them.
   */
  pastAt(now: number): Past {
    const { past = NO_PAST, tries: { failures } } = this;
    const attempts = past.waits === 0 ? failures : past.attempts + failures;
    const firstFailureAt = attempts === 0 ? undefined : past.firstFailureAt ?? now;
    return { ...past, attempts, firstFailureAt };
  }
}
