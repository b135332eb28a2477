// Inbound: a user's message off the queue is remembered, understood after what the user was asked last,
// and told to Turn, one user's messages one after the other. Who reads on gets the next page from us, and
// Turn is not told.

import { userKey } from "../cache/mod.ts";
import { type Answer, readAnswer } from "./answers.ts";
import type { Choice, InboundText } from "../turn/mod.ts";
import {
  type Arrival,
  type Disposition,
  type Message,
  unixMilliseconds,
  unixSeconds,
} from "../vumi/mod.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Delivery } from "./delivery.ts";
import { DELIVERED_TTL_MS, formatDelivered } from "./delivery_records.ts";
import type { BridgeOptions } from "./options.ts";
import { answeredNote, isOver } from "./ussd_requests.ts";

export type InboundOptions = Pick<
  BridgeOptions,
  | "connector"
  | "cache"
  | "metrics"
  | "content"
  | "retryForMs"
  | "ussdRetryForMs"
  | "ussdSessionMs"
  | "emptyMessageBody"
  | "defaultFromAddr"
>;

export class InboundFlow {
  readonly #options: InboundOptions;
  readonly #deliveries: Deliveries<InboundText>;

  constructor(options: InboundOptions, deliveries: Deliveries<InboundText>) {
    this.#options = options;
    this.#deliveries = deliveries;
  }

  /** Tells Turn of a message, when the user's earlier ones are done with. */
  readonly handle = async (message: Message, arrival: Arrival): Promise<Disposition> => {
    const { retryForMs, ussdRetryForMs } = this.#options;
    using delivery = await this.#deliveries.begin({
      id: message.message_id,
      key: userKey(message.from_addr),
      rank: 0,
      names: { messageId: message.message_id },
      retryForMs: message.transport_type === "ussd"
        ? Math.min(ussdRetryForMs, retryForMs)
        : retryForMs,
      queuedAt: unixMilliseconds(message.timestamp),
      subject: { user: message.from_addr },
    }, arrival);
    delivery.details = {
      inReplyTo: message.in_reply_to,
      user: message.from_addr,
      transport: message.transport_name,
      content: message.content,
    };
    return await delivery.run(() => this.#deliver(message, delivery));
  };

  async #deliver(message: Message, delivery: Delivery<InboundText>): Promise<Disposition> {
    const { cache, emptyMessageBody, defaultFromAddr } = this.#options;
    const id = message.message_id;
    const isDelivered = delivery.isRepeated &&
      await cache.getNote("delivered_inbound", id) !== undefined;
    if (isDelivered) return await delivery.duplicate();
    const parked = await delivery.begin();
    if (parked !== undefined) return parked;

    // What has failed was counted, also if that was so long ago that it is forgotten.
    const isCounted = delivery.attemptsBefore > 0 ||
      !delivery.isNew && await cache.getInbound(id) !== undefined;
    // Before Turn is told: its answer may come before it has answered our call.
    const tallies = isCounted ? [] : [{ flow: "inbound", result: "in" }];
    const answer = await readAnswer(message, isCounted, this.#options);
    const isOurs = answer.kind === "page" && await this.#claim(answer.page, id);
    const records = answer.kind === "past" || answer.kind === "page" && !isOurs
      ? []
      : answer.records;
    await cache.putInbound(message, tallies, delivery.past?.firstFailureAt, records);
    delivery.isIn = true;
    if (answer.kind === "page" && isOurs) {
      return await this.#turnPage(answer.page, message, delivery);
    }
    // Turn has answered it meanwhile, or what it asked for is gone with its session.
    if (answer.kind === "page" || answer.kind === "past") return await delivery.skip("answered");
    // The user hung up. Turn has no word for it, and refuses a text that is empty.
    if (!message.content && message.session_event === "close") {
      return await delivery.skip("hung_up");
    }

    const sent = await delivery.send({
      id,
      from: message.from_addr,
      // Neither null nor "".
      text: message.content || (emptyMessageBody ?? message.to_addr) || defaultFromAddr,
      ...this.#choiceOf(answer, delivery),
      timestamp: unixSeconds(message.timestamp),
    });
    if (sent.kind !== "delivered") return sent;
    const value = formatDelivered(sent);
    const note = { kind: "delivered_inbound", id, value, ttlMs: DELIVERED_TTL_MS } as const;
    return await delivery.delivered(sent, [note]);
  }

  #choiceOf(answer: Answer, delivery: Delivery<InboundText>): { readonly choice?: Choice } {
    if (answer.kind !== "choice") return {};
    const { choice, number, of, by } = answer.chosen;
    if (answer.records.length > 0) this.#options.metrics.chosen(by);
    delivery.details = { ...delivery.details, picked: `${number} of ${of}` };
    return { choice };
  }

  /** Takes the user's message for the page as the one answer to it, unless it has another one. */
  async #claim(page: Message, id: string): Promise<boolean> {
    const { cache, ussdSessionMs } = this.#options;
    const answered = answeredNote(id, { hash: "", id: page.message_id }, ussdSessionMs);
    return await cache.claimNote(answered) === answered.value;
  }

  /** Sends the page in answer to the message that asked for it, while that waits. */
  async #turnPage(
    page: Message,
    { message_id: id, timestamp }: Message,
    delivery: Delivery<InboundText>,
  ): Promise<Disposition> {
    const { connector, metrics, ussdSessionMs } = this.#options;
    if (isOver(Date.now() - unixMilliseconds(timestamp), ussdSessionMs)) {
      return await delivery.skip("session_over");
    }
    await connector.publish(page);
    metrics.pageTurned();
    const value = formatDelivered({ at: Date.now(), attempts: 0 });
    return await delivery.paged([
      { kind: "delivered_inbound", id, value, ttlMs: DELIVERED_TTL_MS },
    ]);
  }
}
