/**
 * Statuses: what became of a message that we sent is told to Turn, one message's events one after
 * the other, never backwards, and not what is out of date before it could be told.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { MessageCache, Note, Remembered } from "../cache/mod.ts";
import { type Heard, type Metrics, readTrace } from "../telemetry/mod.ts";
import type { CallResult, Status, TurnClient } from "../turn/mod.ts";
import {
  type Arrival,
  type Disposition,
  type Event,
  unixMilliseconds,
  unixSeconds,
} from "../vumi/mod.ts";
import type { Skip } from "./attempts.ts";
import type { TurnDelivery } from "./delivery.ts";
import { Outcomes } from "./outcomes.ts";
import {
  DELIVERED_TTL_MS,
  type DeliveredRecord,
  eventKey,
  formatToldRecord,
  NOTHING_TOLD,
  readToldRecord,
  saidBy,
  type ToldRecord,
} from "./delivery_records.ts";

const log = getLogger(["turn-channels", "bridge"]);

/** What a {@linkcode StatusFlow} is made of. */
export interface StatusOptions {
  /** What was sent, and told. */
  readonly cache: MessageCache;
  /** Turn. */
  readonly turn: Pick<TurnClient, "sendStatus">;
  /** Tries, and tries again. */
  readonly courier: TurnDelivery<Event>;
  /** Longest that one call to Turn may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How long after the first failure an event is worth trying, in milliseconds. */
  readonly retryForMs: number;
  /** What Turn is told of a message that failed; not every Turn knows `failed`. */
  readonly failedStatus: "sent" | "failed";
  /** Whether an event is left out for which a further one waits. */
  readonly compact: boolean;
  /** Counts what is heard of messages, if given. */
  readonly metrics?: Metrics;
}

/** How far a message has come: what is told later must not be less. */
type Progress = 1 | 2 | 3;

/** What is found out about an event before Turn is told. */
interface Found {
  message?: Remembered;
  told: ToldRecord;
  /** Whether it is new, and not counted so yet. */
  isNew: boolean;
  /** Whether it is the first that Turn is told of its message, and not counted so yet. */
  isFirst: boolean;
}

/** Takes events. */
export class StatusFlow {
  readonly #options: StatusOptions;
  readonly #ledger: Outcomes;

  /** Makes it; no I/O. */
  constructor(options: StatusOptions) {
    this.#options = options;
    this.#ledger = new Outcomes(options.cache, "status");
  }

  /** Tells Turn of an event, when the message's earlier ones are done with. */
  readonly handle = (event: Event, arrival: Arrival): Promise<Disposition> => {
    const { courier, retryForMs } = this.#options;
    const found: Found = { told: NOTHING_TOLD, isNew: false, isFirst: false };
    return courier.deliver({
      value: event,
      id: event.event_id,
      key: event.user_message_id,
      names: { messageId: event.user_message_id, eventId: event.event_id },
      retryForMs,
      isDelivered: () => this.#isTold(event),
      prepare: (isNew) => this.#find(event, found, isNew),
      call: (signal) => this.#tell(event, found, arrival, signal),
      notes: (delivered) => this.#notes(event, found, delivered),
      whose: async () => {
        const message = found.message ?? await this.#findOutbound(event);
        return { user: message?.to_addr, about: message?.message_id ?? event.user_message_id };
      },
      queuedAt: unixMilliseconds(event.timestamp),
      about: () => ({
        turnMessageId: found.message?.message_id,
        sentMessageId: event.sent_message_id,
        inReplyTo: found.message?.in_reply_to,
        event: event.event_type,
        user: found.message?.to_addr,
        transport: found.message?.transport_name,
      }),
    }, arrival);
  };

  async #find(event: Event, found: Found, isNew: boolean): Promise<Skip | undefined> {
    const { cache, metrics } = this.#options;
    // If the cache fails it is asked again, as of one that is not new.
    found.isNew ||= isNew;
    const message = await this.#findOutbound(event);
    const told = message && readToldRecord(await cache.getNote("told", message.message_id));
    const isFirstTime = found.isNew;
    found.isNew = false;
    if (isFirstTime) this.#ledger.count("in");
    if (message === undefined || told === undefined) {
      log.warning("Not remembered, so no status is sent: {messageId}", {
        messageId: event.user_message_id,
        eventId: event.event_id,
      });
      return { kind: "skip", why: "not_ours" };
    }
    found.message = message;
    found.told = told;
    // A transport that was not sure may have put it on the queue twice.
    if (isAmong(told, event)) return { kind: "skip", why: "duplicate" };
    if (isFirstTime) found.isFirst = told.events.length === 0;
    if (isFirstTime) metrics?.transports.heard(message.transport_name, heard(event));
    return progress(event) < told.progress ? { kind: "skip", why: "out_of_date" } : undefined;
  }

  async #isTold(event: Event): Promise<boolean> {
    const message = await this.#findOutbound(event);
    if (message === undefined) return false;
    return isAmong(
      readToldRecord(await this.#options.cache.getNote("told", message.message_id)),
      event,
    );
  }

  #tell(
    event: Event,
    found: Found,
    { headers }: Arrival,
    signal: AbortSignal,
  ): Promise<CallResult> | Skip {
    const { turn, timeoutMs, metrics } = this.#options;
    const { message } = found;
    if (message === undefined) throw new TypeError("Cannot tell a status of an unknown message");
    if (this.#isSuperseded(event)) return { kind: "skip", why: "superseded" };
    if (found.isFirst) {
      found.isFirst = false;
      const sentAt = unixMilliseconds(message.timestamp);
      metrics?.transports.heardFirst(message.transport_name, sentAt);
    }
    return turn.sendStatus({
      messageId: message.message_id,
      recipient: message.to_addr,
      status: this.#status(event),
      timestamp: unixSeconds(event.timestamp),
    }, { timeoutMs, signal, trace: readTrace((name) => headers[name]) });
  }

  #notes(
    event: Event,
    { message, told }: Found,
    { at, attempts }: DeliveredRecord,
  ): readonly Note[] {
    if (message === undefined) return [];
    const one = {
      id: eventKey(event.event_id),
      event: saidBy(event),
      status: this.#status(event),
      at,
      attempts,
    };
    const value = formatToldRecord({
      progress: Math.max(progress(event), told.progress),
      events: [...told.events, one],
    });
    return [{ kind: "told", id: message.message_id, value, ttlMs: DELIVERED_TTL_MS }];
  }

  /** Looked at last of all: meanwhile it may have waited long. */
  #isSuperseded(event: Event): boolean {
    const { compact, courier } = this.#options;
    return compact && courier.behind(event.user_message_id)
      .some((later) => progress(later) > progress(event));
  }

  /** By our id, and else by the provider's, which HTTP transports make the same as ours. */
  async #findOutbound(event: Event): Promise<Remembered | undefined> {
    const { cache } = this.#options;
    const message = await cache.getOutbound(event.user_message_id);
    if (message !== undefined || event.sent_message_id === null) return message;
    return await cache.getOutbound(event.sent_message_id);
  }

  #status({ event_type, delivery_status }: Event): Status["status"] {
    const { failedStatus } = this.#options;
    switch (event_type) {
      case "ack":
        return "sent";
      case "nack":
        return failedStatus;
      case "delivery_report":
        if (delivery_status === "delivered") return "delivered";
        return delivery_status === "failed" ? failedStatus : "sent";
    }
  }
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
