// Sends a message to where it waits without being in hand, as a copy: into a delay queue when it has
// failed, to the end of its queue when it was in hand for too long, behind another of its user's in
// either. What has to be known of it later, by us or by who comes after us, is noted before it goes.

import type { Note } from "../cache/mod.ts";
import { type Disposition, RETRY_HEADERS } from "../vumi/mod.ts";
import { type Behind, DelayedOrder } from "./delayed_order.ts";
import { DelayedRecords } from "./delayed_records.ts";
import type { Delivery } from "./delivery.ts";
import { log } from "./log.ts";
import type { FlowOptions } from "./options.ts";
import { isOutOfOrder, NO_PLACE, type Past, pastHeaders, placeHeaders } from "./retry_headers.ts";
import { tolerateCacheError } from "./tolerate.ts";

/** Longest first delay for which a user's other messages wait: then a conversation is over. */
const MOST_ORDERED_MS = 15 * 60_000;

const WAITS_BEHIND = "it waits behind an earlier message of the same user";

/** Where a message goes, and what is to be noted of its user's order before. */
interface Destination extends Behind {
  readonly notes: readonly Note[];
}

export class CopyForwarder {
  readonly #options: FlowOptions;
  readonly #records: DelayedRecords;
  readonly order: DelayedOrder;

  constructor(options: FlowOptions) {
    this.#options = options;
    this.order = new DelayedOrder(options);
    this.#records = new DelayedRecords(options.cache, options.flow);
  }

  /** Records that a message that was sent elsewhere is back, perhaps out of a delay queue. */
  back({ job: { key, id } }: Delivery<never>, past: Past): void {
    if (past.delayMs > 0) void this.#records.back(key, id);
  }

  /** Where a message has to go, if an earlier one of its user's waits there. */
  placeBehind({ job: { key }, past }: Delivery<never>): Behind | undefined {
    return isOutOfOrder(past) ? undefined : this.order.arrive(key, past?.place ?? NO_PLACE);
  }

  /** Sends a message behind an earlier one of its user's. */
  behind(going: Delivery<never>, behind: Behind): Promise<Disposition> {
    const notes = this.order.notes(going.job.key);
    return this.#forward(going, { ...behind, notes }, WAITS_BEHIND);
  }

  /** Sends a message to the end of its queue; its user's next ones go behind it. */
  again(going: Delivery<never>, reason: string): Promise<Disposition> {
    // What was too late to be waited for still is.
    return this.#forward(going, this.#destination(going, 0, !isOutOfOrder(going.past)), reason);
  }

  /** Sends a failed message into a delay queue; if that is the first, its user's next go behind it. */
  async later(
    going: Delivery<never>,
    disposition: Extract<Disposition, { readonly kind: "later" }>,
    { reason, attempts }: { readonly reason: string; readonly attempts: number },
  ): Promise<Disposition> {
    const { flow, metrics, retry: { delaysMs: [first] } } = this.#options;
    const { delayMs, headers } = disposition;
    metrics.count(flow, "delayed");
    const text = "Not delivered, trying again in {delayMs} ms: {flow} {messageId}, {reason}";
    log.warning(text, { flow, ...going.job.names, delayMs, reason, attempts });
    const isOrdered = delayMs === first && delayMs <= MOST_ORDERED_MS;
    const destination = this.#destination(going, delayMs, isOrdered);
    await this.#noteDelay(going, destination, reason);
    // That it is not new is known by its attempts.
    const departure = { place: destination.place, isBegun: false };
    return { ...disposition, headers: { ...headers, ...placeHeaders(departure, delayMs) } };
  }

  /** Sends a message that has not failed to where it waits. */
  async #forward(
    going: Delivery<never>,
    destination: Destination,
    reason: string,
  ): Promise<Disposition> {
    const { flow, metrics, cache, now } = this.#options;
    const { delayMs, place, notes } = destination;
    const past = going.pastAt(now());
    const { isBegun, job: { names } } = going;
    const headers = { ...pastHeaders(past, reason), ...placeHeaders({ place, isBegun }, delayMs) };
    metrics.count(flow, delayMs > 0 ? "delayed" : "again");
    const where = delayMs > 0 ? "into the first delay queue" : "to the end of its queue";
    log.debug(`Sent ${where}: {flow} {messageId}, {reason}`, { flow, ...names, reason });
    if (delayMs > 0) {
      await this.#noteDelay(going, destination, reason);
      return { kind: "later", delayMs, headers };
    }
    if (notes.length > 0) {
      await tolerateCacheError(cache.putNotes(notes), (reason) => {
        const text =
          "Could not record that a {flow} message went to the end of its queue: {reason}";
        log.debug(text, { flow, reason });
      });
    }
    return { kind: "again", headers: { ...headers, [RETRY_HEADERS.copies]: past.copies + 1 } };
  }

  #destination(
    { job: { key }, past }: Delivery<never>,
    delayMs: number,
    isOrdered: boolean,
  ): Destination {
    if (!isOrdered) return { place: NO_PLACE, delayMs, notes: [] };
    const place = this.order.lead(key, past?.place ?? NO_PLACE, delayMs);
    return { place, delayMs, notes: this.order.notes(key) };
  }

  #noteDelay(
    going: Delivery<never>,
    { delayMs, notes }: Destination,
    reason: string,
  ): Promise<void> {
    const { job: { key, id }, subject } = going;
    const now = this.#options.now();
    const { attempts, firstFailureAt } = going.pastAt(now);
    const record = { id, delayMs, until: now + delayMs, attempts, firstFailureAt, reason };
    return this.#records.gone(key, record, subject, notes);
  }
}
