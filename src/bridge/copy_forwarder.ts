/**
 * Sends a message to where it waits without being in hand, as a copy: into a delay queue when it has
 * failed, to the end of its queue when it was in hand for too long, behind another of its user's in
 * either. What has to be known of it later, by us or by who comes after us, is noted before it goes.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { CacheError, type Note } from "../cache/mod.ts";
import type { Disposition } from "../vumi/mod.ts";
import { type Behind, DelayedOrder } from "./delayed_order.ts";
import { DelayedRecords } from "./delayed_records.ts";
import type { Delivery } from "./delivery.ts";
import type { Job } from "./job.ts";
import type { FlowOptions } from "./options.ts";
import {
  isOutOfOrder,
  NO_PLACE,
  type Past,
  type Place,
  sendAgain,
  waitBehind,
  WAITS_BEHIND,
  withPlace,
} from "./retry_headers.ts";

const log = getLogger(["turn-channels", "bridge"]);

/**
 * Longest first delay for which a user's other messages wait, in milliseconds: then a conversation is
 * over.
 */
const MOST_ORDERED_MS = 15 * 60_000;

export class CopyForwarder {
  readonly #options: FlowOptions;
  readonly #order: DelayedOrder;
  readonly #records: DelayedRecords;

  constructor(options: FlowOptions) {
    this.#options = options;
    this.#order = new DelayedOrder(options);
    this.#records = new DelayedRecords(options.cache, options.flow);
  }

  ready(key: string): Promise<void> | undefined {
    return this.#order.ready(key);
  }

  forget(): void {
    this.#order.forget();
  }

  /** One that was sent elsewhere is back, perhaps out of a delay queue. */
  back({ key, id }: Pick<Job, "key" | "id">, past: Past): void {
    if (past.delayMs > 0) void this.#records.back(key, id);
  }

  /** Where it has to go, if there is something that it has to go behind. */
  placeBehind(key: string, past: Past | undefined): Behind | undefined {
    return isOutOfOrder(past) ? undefined : this.#order.arrive(key, past?.place ?? NO_PLACE);
  }

  /** It goes behind one of its user's. */
  async behind(going: Delivery<never>, { place, delayMs }: Behind): Promise<Disposition> {
    const past = going.pastAt(this.#options.now());
    const departure = { place, isBegun: going.isBegun };
    const notes = this.#order.notes(going.job.key);
    this.#report(going, delayMs > 0 ? "delayed" : "again", WAITS_BEHIND);
    if (delayMs > 0) {
      await this.#noteDelay(going, delayMs, WAITS_BEHIND, notes);
      return waitBehind(past, departure, delayMs);
    }
    await this.#note(notes);
    return sendAgain(past, departure, WAITS_BEHIND);
  }

  /** It goes to the end of its queue, and its user's next ones behind it. */
  async again(going: Delivery<never>, reason: string): Promise<Disposition> {
    const { past, isBegun } = going;
    // What was too late to be waited for still is.
    const isOrdered = !isOutOfOrder(past);
    const place = isOrdered ? this.#lead(going, 0) : NO_PLACE;
    const notes = isOrdered ? this.#order.notes(going.job.key) : [];
    this.#report(going, "again", reason);
    await this.#note(notes);
    return sendAgain(going.pastAt(this.#options.now()), { place, isBegun }, reason);
  }

  /** It has failed, and goes into a delay queue; its user's next ones behind it, if that is the first. */
  async later(
    going: Delivery<never>,
    disposition: Extract<Disposition, { readonly kind: "later" }>,
    reason: string,
  ): Promise<Disposition> {
    const { flow, metrics, retry: { delaysMs: [first] }, now } = this.#options;
    const { delayMs } = disposition;
    const { attempts } = going.pastAt(now());
    metrics.count(flow, "delayed");
    const values = { flow, ...going.job.names, delayMs, reason, attempts };
    log.warning(
      "Not delivered, coming again in {delayMs} ms: {flow} {messageId}, {reason}",
      values,
    );
    const isOrdered = delayMs === first && delayMs <= MOST_ORDERED_MS;
    const place = isOrdered ? this.#lead(going, delayMs) : NO_PLACE;
    await this.#noteDelay(
      going,
      delayMs,
      reason,
      isOrdered ? this.#order.notes(going.job.key) : [],
    );
    // That it is not new is known by its attempts.
    return withPlace(disposition, { place, isBegun: false });
  }

  #lead({ job: { key }, past }: Delivery<never>, delayMs: number): Place {
    return this.#order.lead(key, past?.place ?? NO_PLACE, delayMs);
  }

  #report({ job: { names } }: Delivery<never>, setback: "delayed" | "again", reason: string): void {
    const { flow, metrics } = this.#options;
    metrics.count(flow, setback);
    const text = setback === "delayed"
      ? "Into the first delay queue: {flow} {messageId}, it {reason}"
      : "To the end of its queue: {flow} {messageId}, it {reason}";
    log.debug(text, { flow, ...names, reason });
  }

  #noteDelay(
    going: Delivery<never>,
    delayMs: number,
    reason: string,
    more: readonly Note[],
  ): Promise<void> {
    const { flow, now } = this.#options;
    const { key, id, subject } = going.job;
    const { attempts, firstFailureAt } = going.pastAt(now());
    const until = now() + delayMs;
    const record = { flow, id, delayMs, until, attempts, firstFailureAt, reason };
    return this.#records.gone(key, record, subject, more);
  }

  /** What can't be noted is known in memory only, as long as we live. */
  async #note(notes: readonly Note[]): Promise<void> {
    if (notes.length === 0) return;
    try {
      await this.#options.cache.putNotes(notes);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      log.debug("Not noted that a message of {flow} waits: {reason}", {
        flow: this.#options.flow,
        reason: error.message,
      });
    }
  }
}
