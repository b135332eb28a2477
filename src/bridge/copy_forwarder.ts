/**
 * Sends a message to where it waits without being in hand, as a copy: into a delay queue when it has
 * failed, to the end of its queue when it was in hand for too long, behind another of its user's in
 * either. What has to be known of it later, by us or by who comes after us, is noted before it goes.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { CacheError, type MessageCache, type Note } from "../cache/mod.ts";
import type { Metrics } from "../telemetry/mod.ts";
import type { Disposition } from "../vumi/mod.ts";
import { DelayedRecords } from "./delayed_records.ts";
import { type Behind, DelayedOrder } from "./delayed_order.ts";
import type { QueuedFlow } from "./delivery_records.ts";
import type { TurnJob } from "./turn_job.ts";
import {
  isOutOfOrder,
  NO_PLACE,
  type Past,
  type Place,
  sendAgain,
  waitBehind,
  WAITS_BEHIND,
  withPlace,
} from "./retries.ts";

const log = getLogger(["turn-channels", "bridge"]);

/**
 * Longest first delay for which a user's other messages wait, in milliseconds: then a conversation is
 * over.
 */
const MOST_ORDERED_MS = 15 * 60_000;

/** What an {@linkcode CopyForwarder} is made of. */
export interface CopyForwarderOptions {
  /** Which way. */
  readonly flow: QueuedFlow;
  /** Where it is noted. */
  readonly cache: MessageCache;
  /** Counts. */
  readonly metrics: Metrics;
  /** The delays, the first one first. */
  readonly retry: { readonly delaysMs: readonly number[] };
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The place that something gets, and what is to be noted of it. */
interface Led {
  readonly place: Place;
  readonly notes: readonly Note[];
}

const NOT_IN_ORDER: Led = { place: NO_PLACE, notes: [] };

/** What goes. */
export interface Leaver {
  /** What it is. */
  readonly parcel: Pick<TurnJob<unknown>, "id" | "key" | "names" | "whose">;
  /** What it came with; undefined if it was not sent elsewhere before. */
  readonly past: Past | undefined;
  /** Whether work on it may have been begun. */
  readonly isBegun: boolean;
  /** What it has behind it now. */
  pastAt(now: number): Past;
}

/** Sends messages of one flow to where they wait. */
export class CopyForwarder {
  readonly #options: CopyForwarderOptions;
  readonly #order: DelayedOrder;
  readonly #delayed: DelayedRecords;

  /** Makes it; no I/O. */
  constructor(options: CopyForwarderOptions) {
    this.#options = options;
    this.#order = new DelayedOrder(options);
    this.#delayed = new DelayedRecords(options.cache, options.flow);
  }

  /** See {@linkcode DelayedOrder.ready}. */
  ready(key: string): Promise<void> | undefined {
    return this.#order.ready(key);
  }

  /** See {@linkcode DelayedOrder.forget}. */
  forget(): void {
    this.#order.forget();
  }

  /** One that was sent elsewhere is back, perhaps out of a delay queue. */
  back({ key, id }: Pick<TurnJob<unknown>, "key" | "id">, past: Past): void {
    if (past.delayMs > 0) void this.#delayed.back(key, id);
  }

  /** Answers where it has to go, if there is something that it has to go behind. */
  placeBehind(key: string, past: Past | undefined): Behind | undefined {
    return isOutOfOrder(past) ? undefined : this.#order.arrive(key, past?.place ?? NO_PLACE);
  }

  /** It goes behind one of its user's. */
  async behind(leaver: Leaver, { place, delayMs }: Behind): Promise<Disposition> {
    const past = leaver.pastAt(this.#options.now());
    const going = { place, isBegun: leaver.isBegun };
    const notes = this.#order.notes(leaver.parcel.key);
    if (delayMs > 0) {
      this.#count("delayed", leaver, WAITS_BEHIND);
      await this.#note(leaver, delayMs, WAITS_BEHIND, notes);
      return waitBehind(past, going, delayMs);
    }
    this.#count("again", leaver, WAITS_BEHIND);
    await this.#put(notes);
    return sendAgain(past, going, WAITS_BEHIND);
  }

  /** It goes to the end of its queue, and its user's next ones behind it. */
  async again(leaver: Leaver, reason: string): Promise<Disposition> {
    const { past, isBegun } = leaver;
    // What was too late to be waited for still is.
    const { place, notes } = isOutOfOrder(past) ? NOT_IN_ORDER : this.#lead(leaver, 0);
    this.#count("again", leaver, reason);
    await this.#put(notes);
    return sendAgain(leaver.pastAt(this.#options.now()), { place, isBegun }, reason);
  }

  /** It has failed, and goes into a delay queue; its user's next ones behind it, if that is the first. */
  async later(
    leaver: Leaver,
    disposition: Extract<Disposition, { readonly kind: "later" }>,
    reason: string,
  ): Promise<Disposition> {
    const { delaysMs: [first] } = this.#options.retry;
    const { delayMs } = disposition;
    const isOrdered = delayMs === first && delayMs <= MOST_ORDERED_MS;
    const { place, notes } = isOrdered ? this.#lead(leaver, delayMs) : NOT_IN_ORDER;
    await this.#note(leaver, delayMs, reason, notes);
    // That it is not new is known by its attempts.
    return withPlace(disposition, { place, isBegun: false });
  }

  #lead({ parcel: { key }, past }: Leaver, delayMs: number): Led {
    const place = this.#order.lead(key, past?.place ?? NO_PLACE, delayMs);
    return { place, notes: this.#order.notes(key) };
  }

  #count(setback: "delayed" | "again", { parcel: { names } }: Leaver, reason: string): void {
    const { flow, metrics } = this.#options;
    metrics.count(flow, setback);
    const text = setback === "delayed"
      ? "Into the first delay queue: {flow} {messageId}, it {reason}"
      : "To the end of its queue: {flow} {messageId}, it {reason}";
    log.debug(text, { flow, ...names, reason });
  }

  #note(
    leaver: Leaver,
    delayMs: number,
    reason: string,
    more: readonly Note[],
  ): Promise<void> {
    const { flow, now } = this.#options;
    const { parcel } = leaver;
    const { attempts, firstFailureAt } = leaver.pastAt(now());
    const until = now() + delayMs;
    return this.#delayed.gone(
      parcel.key,
      { flow, id: parcel.id, delayMs, until, attempts, firstFailureAt, reason },
      () => parcel.whose(),
      more,
    );
  }

  /** What can't be noted is known in memory only, as long as we live. */
  async #put(notes: readonly Note[]): Promise<void> {
    if (notes.length === 0) return;
    try {
      await this.#options.cache.putNotes(notes);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      const { flow } = this.#options;
      log.debug("Not noted that a message of {flow} waits: {reason}", {
        flow,
        reason: error.message,
      });
    }
  }
}
