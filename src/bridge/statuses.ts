/**
 * Statuses: what became of a message that we sent is told to Turn, one message's events one after
 * the other, never backwards, and not what is out of date before it could be told.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Heard } from "../telemetry/mod.ts";
import type { Status } from "../turn/mod.ts";
import {
  type Arrival,
  type Disposition,
  type Event,
  unixMilliseconds,
  unixSeconds,
} from "../vumi/mod.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Delivery } from "./delivery.ts";
import {
  DELIVERED_TTL_MS,
  eventKey,
  formatToldRecord,
  readToldRecord,
  saidBy,
  type ToldRecord,
} from "./delivery_records.ts";
import { findSent } from "./job.ts";
import type { BridgeOptions } from "./options.ts";

const log = getLogger(["turn-channels", "bridge"]);

export type StatusOptions = Pick<
  BridgeOptions,
  "cache" | "metrics" | "retryForMs" | "failedStatus" | "compactStatuses"
>;

/** How far a message has come: what is told later must not be less. */
type Progress = 1 | 2 | 3;

export class StatusFlow {
  readonly #options: StatusOptions;
  readonly #deliveries: Deliveries<Status>;

  constructor(options: StatusOptions, deliveries: Deliveries<Status>) {
    this.#options = options;
    this.#deliveries = deliveries;
  }

  /** Tells Turn of an event, when the message's earlier ones are done with. */
  readonly handle = async (event: Event, arrival: Arrival): Promise<Disposition> => {
    const { retryForMs, compactStatuses } = this.#options;
    using delivery = await this.#deliveries.begin({
      id: event.event_id,
      key: event.user_message_id,
      rank: compactStatuses ? progress(event) : 0,
      names: { messageId: event.user_message_id, eventId: event.event_id },
      retryForMs,
      queuedAt: unixMilliseconds(event.timestamp),
      subject: { sentIds: sentIds(event) },
    }, arrival);
    for (;;) {
      try {
        return await this.#deliver(event, delivery);
      } catch (error) {
        const moved = await delivery.recover(error);
        if (moved !== undefined) return moved;
      }
    }
  };

  async #deliver(event: Event, delivery: Delivery<Status>): Promise<Disposition> {
    const { cache, metrics } = this.#options;
    const moved = await delivery.arrive();
    if (moved !== undefined) return moved;
    const message = await findSent(cache, sentIds(event));
    const told = readToldRecord(message && await cache.getNote("told", message.message_id));
    delivery.details = {
      turnMessageId: message?.message_id,
      sentMessageId: event.sent_message_id,
      inReplyTo: message?.in_reply_to,
      event: event.event_type,
      user: message?.to_addr,
      transport: message?.transport_name,
    };
    if (delivery.isRepeated && isAmong(told, event)) return delivery.duplicate();
    const parked = await delivery.begin();
    if (parked !== undefined) return parked;

    if (delivery.isNew) delivery.countIn();
    if (message === undefined) {
      log.warning("Not remembered, so no status is sent: {messageId}", delivery.job.names);
      return await delivery.skip("not_ours");
    }
    // A transport that was not sure may have put it on the queue twice.
    if (isAmong(told, event)) return await delivery.skip("duplicate");
    if (delivery.isNew) metrics.transports.heard(message.transport_name, heard(event));
    if (progress(event) < told.progress) return await delivery.skip("out_of_date");

    const status = this.#status(event);
    const sent = await delivery.send({
      messageId: message.message_id,
      recipient: message.to_addr,
      status,
      timestamp: unixSeconds(event.timestamp),
    });
    if (delivery.isNew && delivery.isCalled && told.events.length === 0) {
      metrics.transports.heardFirst(message.transport_name, unixMilliseconds(message.timestamp));
    }
    if (sent.kind !== "delivered") return sent;
    const { at, attempts } = sent;
    const one = { id: eventKey(event.event_id), event: saidBy(event), status, at, attempts };
    const value = formatToldRecord({
      progress: Math.max(progress(event), told.progress),
      events: [...told.events, one],
    });
    const id = message.message_id;
    return await delivery.delivered(sent, [{ kind: "told", id, value, ttlMs: DELIVERED_TTL_MS }]);
  }

  #status({ event_type, delivery_status }: Event): Status["status"] {
    const { failedStatus } = this.#options;
    if (event_type === "nack") return failedStatus;
    if (event_type === "ack") return "sent";
    if (delivery_status === "delivered") return "delivered";
    return delivery_status === "failed" ? failedStatus : "sent";
  }
}

/** Our id of its message, and the provider's, which HTTP transports make the same as ours. */
function sentIds({ user_message_id, sent_message_id }: Event): readonly [string, ...string[]] {
  return sent_message_id === null ? [user_message_id] : [user_message_id, sent_message_id];
}

/** Whether Turn was told of this event. */
function isAmong({ events }: ToldRecord, event: Event): boolean {
  const key = eventKey(event.event_id);
  return events.some(({ id }) => id === key);
}

/** What it says of its message, as it is counted. */
function heard({ event_type, delivery_status }: Event): Heard | undefined {
  if (event_type === "ack") return "acked";
  if (event_type === "nack") return "nacked";
  return delivery_status === "pending" || delivery_status === null ? undefined : delivery_status;
}

/** On its way; it failed, as far as is known; the user has it. */
function progress({ event_type, delivery_status }: Event): Progress {
  if (delivery_status === "delivered") return 3;
  return event_type === "nack" || delivery_status === "failed" ? 2 : 1;
}
