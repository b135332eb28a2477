/**
 * Inbound: a user's message off the queue is remembered and told to Turn, one user's messages one
 * after the other.
 *
 * @module
 */

import type { MessageCache } from "../cache/mod.ts";
import type { Metrics } from "../telemetry/mod.ts";
import type { Delivery, TurnClient } from "../turn/mod.ts";
import { type Disposition, type Message, unixSeconds } from "../vumi/mod.ts";
import type { Courier } from "./courier.ts";
import { Lanes } from "./lanes.ts";
import { remembered } from "./remembered.ts";

/** What an {@linkcode InboundFlow} is made of. */
export interface InboundOptions {
  /** Who wrote last. */
  readonly cache: MessageCache;
  /** Turn. */
  readonly turn: Pick<TurnClient, "sendMessage">;
  /** Tries, and tries again. */
  readonly courier: Courier;
  /** Counts by result. */
  readonly metrics: Metrics;
  /** Longest that one call to Turn may take, in milliseconds. */
  readonly timeoutMs: number;
  /** What Turn is told a user wrote who wrote nothing; default the address written to. */
  readonly emptyMessageBody: string | undefined;
}

/** Takes users' messages. */
export class InboundFlow {
  readonly #options: InboundOptions;
  readonly #lanes = new Lanes();

  /** Makes it; no I/O. */
  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** Tells Turn of a message, when the user's earlier ones are done with. */
  readonly handle = (message: Message, lost: AbortSignal): Promise<Disposition> =>
    this.#lanes.run(message.from_addr, () => this.#forward(message, lost));

  #forward(message: Message, lost: AbortSignal): Promise<Disposition> {
    const { cache, courier } = this.#options;
    let kept = false;
    const parcel = { flow: "inbound", messageId: message.message_id } as const;
    return courier.deliver(parcel, lost, async (signal) => {
      // First of all: Turn's answer may come before Turn has answered this call.
      if (!kept) await cache.putInbound(remembered(message));
      kept = true;
      return await this.#tell(message, signal);
    });
  }

  #tell(message: Message, signal: AbortSignal): Promise<Delivery> | "skip" {
    const { turn, timeoutMs, emptyMessageBody } = this.#options;
    const wroteNothing = message.content === null || message.content === "";
    // The user hung up. Turn has no word for it, and refuses a text that is empty.
    if (wroteNothing && message.session_event === "close") return "skip";
    return turn.sendMessage({
      id: message.message_id,
      from: message.from_addr,
      text: wroteNothing ? emptyMessageBody ?? message.to_addr : message.content,
      timestamp: unixSeconds(message.timestamp),
    }, { timeoutMs, signal });
  }
}
