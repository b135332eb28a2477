// Inbound: a user's message off the queue is remembered, understood after what the user was asked last,
// and told to Turn, one user's messages one after the other. Who reads on gets the next page from us, and
// Turn is not told; the same of what ussd_inbound.ts answers.

import { type Note, userKey } from "../cache/mod.ts";
import { inForm, keepForm } from "./address_forms.ts";
import { type Answer, readAnswer, type Reading } from "./answers.ts";
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
import { deliveredNote } from "./delivery_records.ts";
import type { BridgeOptions } from "./options.ts";
import { isTooOld } from "./sessions.ts";
import type { Received } from "./received.ts";
import type { UssdInbound } from "./ussd_inbound.ts";
import { type Waiting, WaitingUsers } from "./waiting_users.ts";

export type InboundOptions = Pick<
  BridgeOptions,
  | "connector"
  | "cache"
  | "metrics"
  | "content"
  | "retryForMs"
  | "ussdRetryForMs"
  | "ussd"
  | "contactIds"
  | "transportType"
  | "emptyMessageBody"
  | "defaultFromAddr"
>;

export class InboundFlow {
  readonly #options: InboundOptions;
  readonly #deliveries: Deliveries<InboundText>;
  readonly #ussd: UssdInbound;
  readonly #waiting = new WaitingUsers();

  constructor(options: InboundOptions, deliveries: Deliveries<InboundText>, ussd: UssdInbound) {
    this.#options = options;
    this.#deliveries = deliveries;
    this.#ussd = ussd;
  }

  /** Tells Turn of a message, when the user's earlier ones are done with. */
  readonly handle = async (message: Message, arrival: Arrival): Promise<Disposition> => {
    const { retryForMs, ussdRetryForMs } = this.#options;
    const takenAt = Date.now();
    const isUssd = message.transport_type === "ussd";
    using waiting = isUssd ? this.#waiting.enter(userKey(message.from_addr)) : undefined;
    // Where it fails it is tried again in its place.
    const early = await this.#receiveEarly(message, takenAt, arrival, waiting);
    using delivery = await this.#deliveries.begin({
      id: message.message_id,
      // What Turn is not told waits for nothing that Turn is.
      key: early?.kind === "ours" ? message.message_id : userKey(message.from_addr),
      rank: 0,
      names: { messageId: message.message_id },
      retryForMs: isUssd ? Math.min(ussdRetryForMs, retryForMs) : retryForMs,
      queuedAt: unixMilliseconds(message.timestamp),
      subject: { user: message.from_addr },
    }, arrival);
    delivery.details = {
      inReplyTo: message.in_reply_to,
      user: message.from_addr,
      transport: message.transport_name,
      content: message.content,
    };
    const receive = async (): Promise<Received | undefined> => {
      const received = await this.#receive(message, takenAt, early, delivery);
      waiting?.end();
      return received;
    };
    return await delivery.run(() => this.#deliver(message, receive, delivery));
  };

  async #receiveEarly(
    message: Message,
    takenAt: number,
    { lost }: Arrival,
    waiting: Waiting | undefined,
  ): Promise<Received | undefined> {
    if (waiting === undefined) return undefined;
    const { isNext } = waiting;
    const early = await this.#ussd.receiveEarly(message, takenAt, lost, isNext).catch(() =>
      undefined
    );
    if (early !== undefined) waiting.end();
    return early;
  }

  async #receive(
    message: Message,
    takenAt: number,
    early: Received | undefined,
    { held, isNew }: Delivery<InboundText>,
  ): Promise<Received | undefined> {
    if (message.transport_type !== "ussd") return undefined;
    if (early?.kind === "ours") return early;
    return await this.#ussd.receive(message, takenAt, held.over, isNew && early !== undefined);
  }

  async #deliver(
    message: Message,
    receive: () => Promise<Received | undefined>,
    delivery: Delivery<InboundText>,
  ): Promise<Disposition> {
    const { cache, emptyMessageBody, defaultFromAddr, contactIds } = this.#options;
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
    const past = delivery.past?.firstFailureAt;
    const received = await receive();
    if (received?.kind === "ours") {
      await cache.putInbound(message, tallies, past);
      delivery.isIn = true;
      return await delivery.skip(received.why, [doneNote(id)]);
    }
    const answer: Answer = received?.isAnswer === false
      ? { kind: "text", records: [] }
      : await readAnswer(message, readingOf(received, isCounted), this.#options);
    const session = received?.kind === "tell" ? received.records : [];
    const records = answer.kind === "past" ? session : [...answer.records, ...session];
    const form = keepForm(message, this.#options);
    await cache.putInbound(message, tallies, past, [...records, ...form]);
    delivery.isIn = true;
    if (answer.kind === "page") return await this.#turnPage(answer.page, message, delivery);
    // What it asked for is gone with its session.
    if (answer.kind === "past") return await delivery.skip("answered");
    // The user hung up. Turn has no word for it, and refuses a text that is empty.
    if (!message.content && message.session_event === "close") {
      return await delivery.skip("hung_up");
    }

    const sent = await delivery.send({
      id,
      from: inForm(message.from_addr, contactIds, cache.addresses),
      // Neither null nor "".
      text: received?.text || message.content || (emptyMessageBody ?? message.to_addr) ||
        defaultFromAddr,
      ...this.#choiceOf(answer, delivery),
      timestamp: unixSeconds(message.timestamp),
    });
    if (sent.kind !== "delivered") return sent;
    return await delivery.delivered(sent, [deliveredNote(id, sent)]);
  }

  #choiceOf(answer: Answer, delivery: Delivery<InboundText>): { readonly choice?: Choice } {
    if (answer.kind !== "choice") return {};
    const { choice, number, of, by } = answer.chosen;
    if (answer.records.length > 0) this.#options.metrics.chosen(by);
    delivery.details = { ...delivery.details, picked: `${number} of ${of}` };
    return { choice };
  }

  /** Sends the page in answer to the message that asked for it, while that waits. */
  async #turnPage(
    page: Message,
    { message_id: id, timestamp }: Message,
    delivery: Delivery<InboundText>,
  ): Promise<Disposition> {
    const { connector, metrics, ussd } = this.#options;
    if (isTooOld(Date.now() - unixMilliseconds(timestamp), ussd)) {
      return await delivery.skip("session_over");
    }
    await connector.publish(page);
    metrics.pageTurned();
    return await delivery.paged([doneNote(id)]);
  }
}

function readingOf(received: Received | undefined, isCounted: boolean): Reading {
  if (isCounted) return "again";
  return received?.kind === "tell" && received.isEarlier ? "after_later" : "first";
}

/** The note that a message is done with, though Turn does not have it. */
function doneNote(id: string): Note {
  return deliveredNote(id, { at: Date.now(), attempts: 0 });
}
