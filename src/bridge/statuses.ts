/**
 * Statuses: what became of a message that we sent is told to Turn, one message's events one after
 * the other.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { MessageCache, Remembered } from "../cache/mod.ts";
import type { Status, TurnClient } from "../turn/mod.ts";
import { type Disposition, type Event, unixSeconds } from "../vumi/mod.ts";
import type { Courier } from "./courier.ts";
import { Lanes } from "./lanes.ts";

const log = getLogger(["turn-channels", "bridge"]);

/** What a {@linkcode StatusFlow} is made of. */
export interface StatusOptions {
  /** What was sent. */
  readonly cache: MessageCache;
  /** Turn. */
  readonly turn: Pick<TurnClient, "sendStatus">;
  /** Tries, and tries again. */
  readonly courier: Courier;
  /** Longest that one call to Turn may take, in milliseconds. */
  readonly timeoutMs: number;
  /** What Turn is told of a message that failed; not every Turn knows `failed`. */
  readonly failedStatus: "sent" | "failed";
}

/** Takes events. */
export class StatusFlow {
  readonly #options: StatusOptions;
  readonly #lanes = new Lanes();

  /** Makes it; no I/O. */
  constructor(options: StatusOptions) {
    this.#options = options;
  }

  /** Tells Turn of an event, when the message's earlier ones are done with. */
  readonly handle = (event: Event, lost: AbortSignal): Promise<Disposition> =>
    this.#lanes.run(event.user_message_id, () => this.#forward(event, lost));

  #forward(event: Event, lost: AbortSignal): Promise<Disposition> {
    const { courier, turn, timeoutMs } = this.#options;
    const parcel = {
      flow: "status",
      messageId: event.user_message_id,
      eventId: event.event_id,
    } as const;
    return courier.deliver(parcel, lost, async (signal) => {
      const message = await this.#findOutbound(event);
      if (message === undefined) {
        log.warning("Not remembered, so no status is sent: {messageId}", parcel);
        return "skip";
      }
      return await turn.sendStatus({
        messageId: message.message_id,
        recipient: message.to_addr,
        status: this.#status(event),
        timestamp: unixSeconds(event.timestamp),
      }, { timeoutMs, signal });
    });
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
