// Inbound: a user's message off the queue is remembered, understood after what the user was asked last,
// and told to Turn, one user's messages one after the other. Who reads on gets the next page from us, and
// Turn is not told; the same of what ussd_inbound.ts answers.

import { type Note, userKey } from "../cache/mod.ts";
import { inForm, keepForm } from "./address_forms.ts";
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
import { deliveredNote } from "./delivery_records.ts";
import type { BridgeOptions } from "./options.ts";
import { isTooOld } from "./sessions.ts";
import type { Received } from "./received.ts";
import type { UssdInbound } from "./ussd_inbound.ts";
import { readPast } from "./retry_headers.ts";
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

/** A message, and when it was taken off its queue, in milliseconds since 1970. */
interface Taken {
  readonly message: Message;
  readonly at: number;
  /** Whether it was tried to keep it: it may have been, though that has failed. */
  mayBeKept: boolean;
}

/** Whether a message was read before, and when Turn was first told of it in vain. */
interface Read {
  readonly isRead: boolean;
  readonly failedAt: number | undefined;
}

/** What a message comes to. */
interface Understood {
  /** What is to be done about it, on USSD. */
  readonly received?: Received | undefined;
  /** What it means, if Turn is told of it or it asks for a page. */
  readonly answer?: Answer;
  /** Whether that is kept, and the message counted. */
  readonly isKept: boolean;
}

const NOT_READ: Read = { isRead: false, failedAt: undefined };

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
    const taken = { message, at: Date.now(), mayBeKept: false };
    const isUssd = message.transport_type === "ussd";
    using waiting = isUssd ? this.#waiting.enter(userKey(message.from_addr)) : undefined;
    const early = waiting && await this.#understandEarly(taken, arrival, waiting);
    using delivery = await this.#deliveries.begin({
      id: message.message_id,
      // What Turn is not told waits for nothing that Turn is.
      key: early !== undefined && !isTold(early) ? message.message_id : userKey(message.from_addr),
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
    let understood = early?.isKept ? early : undefined;
    const understand = async (): Promise<Understood> => {
      understood ??= await this.#understand(taken, delivery, early?.received);
      waiting?.end();
      delivery.isIn = true;
      return understood;
    };
    return await delivery.run(() => this.#deliver(message, understand, delivery));
  };

  /**
   * Understands a message on USSD at once: what the user sees and may do next waits for no call to Turn.
   * Undefined if that has to be done in its order; also if it fails, as it is then tried again.
   */
  async #understandEarly(
    taken: Taken,
    { lost, redelivered, headers }: Arrival,
    waiting: Waiting,
  ): Promise<Understood | undefined> {
    const { message, at } = taken;
    const isFirst = !redelivered && readPast(headers) === undefined;
    const isNext = (): boolean => isFirst && waiting.isNext;
    const keep = async (received: Received): Promise<Understood> => {
      // Whether it was counted before is looked up in its order.
      if (!isNext()) return { received, isKept: false };
      taken.mayBeKept = true;
      const understood = await this.#keep(message, received, NOT_READ);
      waiting.end();
      return understood;
    };
    return await this.#ussd.receiveEarly(message, at, lost, isNext, keep).catch(() => undefined);
  }

  /** The same in its order. */
  async #understand(
    { message, at, mayBeKept }: Taken,
    delivery: Delivery<InboundText>,
    early: Received | undefined,
  ): Promise<Understood> {
    const { cache } = this.#options;
    // What has failed was counted, also if that was so long ago that it is forgotten.
    const isRead = delivery.attemptsBefore > 0 ||
      (mayBeKept || delivery.isRepeated || !delivery.isNew) &&
        await cache.getInbound(message.message_id) !== undefined;
    const read = { isRead, failedAt: delivery.past?.firstFailureAt };
    const keep = (received?: Received): Promise<Understood> => this.#keep(message, received, read);
    return message.transport_type === "ussd" && early === undefined
      ? await this.#ussd.receive(message, at, delivery.held.over, keep)
      : await keep(early);
  }

  /** Finds out what a message means, and keeps that, before anything is done about it. */
  async #keep(
    message: Message,
    received: Received | undefined,
    { isRead, failedAt }: Read,
  ): Promise<Understood> {
    const { cache } = this.#options;
    // Before Turn is told: its answer may come before it has answered our call.
    const tallies = isRead ? [] : [{ flow: "inbound", result: "in" }];
    if (received?.kind === "ours") {
      await cache.putInbound(message, tallies, failedAt);
      return { received, isKept: true };
    }
    const reading = isRead ? "again" : received?.isEarlier ? "after_later" : "first";
    const answer: Answer = received?.isAnswer === false
      ? { kind: "text", records: [] }
      : await readAnswer(message, reading, this.#options);
    const records = [
      ...answer.kind === "past" ? [] : answer.records,
      ...received?.records ?? [],
      ...keepForm(message, this.#options),
    ];
    await cache.putInbound(message, tallies, failedAt, records);
    return { received, answer, isKept: true };
  }

  async #deliver(
    message: Message,
    understand: () => Promise<Understood>,
    delivery: Delivery<InboundText>,
  ): Promise<Disposition> {
    const { cache, emptyMessageBody, defaultFromAddr, contactIds } = this.#options;
    const id = message.message_id;
    const isDelivered = delivery.isRepeated &&
      await cache.getNote("delivered_inbound", id) !== undefined;
    if (isDelivered) return await delivery.duplicate();
    const parked = await delivery.begin();
    if (parked !== undefined) return parked;

    const { received, answer } = await understand();
    if (received?.kind === "ours") return await delivery.skip(received.why, [doneNote(id)]);
    if (answer?.kind === "page") return await this.#turnPage(answer.page, message, delivery);
    // What it asked for is gone with its session.
    if (answer?.kind === "past") return await delivery.skip("answered");
    // The user hung up. Turn has no word for it, and refuses a text that is empty.
    if (!message.content && message.session_event === "close") {
      return await delivery.skip("hung_up");
    }
    if (message.session_event === "new" && await this.#ussd.isAnswered(message)) {
      return await delivery.skip("waited", [doneNote(id)]);
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

  #choiceOf(
    answer: Answer | undefined,
    delivery: Delivery<InboundText>,
  ): { readonly choice?: Choice } {
    if (answer?.kind !== "choice") return {};
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

/** Whether Turn is to be told of a message. */
function isTold({ received, answer }: Understood): boolean {
  return received?.kind !== "ours" && answer?.kind !== "page" && answer?.kind !== "past";
}

/** The note that a message is done with, though Turn does not have it. */
function doneNote(id: string): Note {
  return deliveredNote(id, { at: Date.now(), attempts: 0 });
}
