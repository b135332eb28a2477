/**
 * Inbound: a user's message off the queue is remembered and told to Turn, one user's messages one
 * after the other.
 *
 * @module
 */

import type { MessageCache } from "../cache/mod.ts";
import { readTrace } from "../telemetry/mod.ts";
import type { CallResult, TurnClient } from "../turn/mod.ts";
import {
  type Arrival,
  type Disposition,
  type Message,
  unixMilliseconds,
  unixSeconds,
} from "../vumi/mod.ts";
import type { Skip } from "./attempts.ts";
import type { TurnDelivery } from "./delivery.ts";
import { DELIVERED_TTL_MS, formatDelivered } from "./delivery_records.ts";
import { readPast } from "./retries.ts";

/** What an {@linkcode InboundFlow} is made of. */
export interface InboundOptions {
  /** Who wrote last. */
  readonly cache: MessageCache;
  /** Turn. */
  readonly turn: Pick<TurnClient, "sendMessage">;
  /** Tries, and tries again. */
  readonly courier: TurnDelivery<Message>;
  /** Longest that one call to Turn may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How long after the first failure a message is worth trying, in milliseconds. */
  readonly retryForMs: number;
  /** The same for USSD, whose sessions end soon. */
  readonly ussdRetryForMs: number;
  /** What Turn is told a user wrote who wrote nothing; default the address written to. */
  readonly emptyMessageBody: string | undefined;
}

/** Takes users' messages. */
export class InboundFlow {
  readonly #options: InboundOptions;

  /** Makes it; no I/O. */
  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** Tells Turn of a message, when the user's earlier ones are done with. */
  readonly handle = (message: Message, arrival: Arrival): Promise<Disposition> => {
    const { cache, courier, retryForMs, ussdRetryForMs } = this.#options;
    const id = message.message_id;
    return courier.deliver({
      value: message,
      id,
      key: message.from_addr,
      names: { messageId: id },
      retryForMs: message.transport_type === "ussd"
        ? Math.min(ussdRetryForMs, retryForMs)
        : retryForMs,
      isDelivered: async () => await cache.getNote("delivered_inbound", id) !== undefined,
      prepare: (isNew) => this.#remember(message, isNew, arrival),
      call: (signal) => this.#tell(message, arrival, signal),
      notes: (delivered) => [{
        kind: "delivered_inbound",
        id,
        value: formatDelivered(delivered),
        ttlMs: DELIVERED_TTL_MS,
      }],
      whose: () => Promise.resolve({ user: message.from_addr, about: undefined }),
      queuedAt: unixMilliseconds(message.timestamp),
      about: () => ({
        inReplyTo: message.in_reply_to,
        user: message.from_addr,
        transport: message.transport_name,
        content: message.content,
      }),
    }, arrival);
  };

  /** First of all: Turn's answer may come before Turn has answered our call. */
  async #remember(
    message: Message,
    isNew: boolean,
    { headers }: Arrival,
  ): Promise<Skip | undefined> {
    const { cache } = this.#options;
    // What has failed was counted, also if that was so long ago that it is forgotten.
    const hasFailed = (readPast(headers)?.attempts ?? 0) > 0;
    const isCounted = hasFailed ||
      !isNew && await cache.getInbound(message.message_id) !== undefined;
    const tallies = isCounted ? [] : [{ flow: "inbound", result: "in" }];
    await cache.putInbound(message, tallies);
    // The user hung up. Turn has no word for it, and refuses a text that is empty.
    const isHangUp = !message.content && message.session_event === "close";
    return isHangUp ? { kind: "skip", why: "hung_up" } : undefined;
  }

  #tell(message: Message, { headers }: Arrival, signal: AbortSignal): Promise<CallResult> {
    const { turn, timeoutMs, emptyMessageBody } = this.#options;
    return turn.sendMessage({
      id: message.message_id,
      from: message.from_addr,
      // Neither null nor "".
      text: message.content || (emptyMessageBody ?? message.to_addr),
      timestamp: unixSeconds(message.timestamp),
    }, { timeoutMs, signal, trace: readTrace((name) => headers[name]) });
  }
}
