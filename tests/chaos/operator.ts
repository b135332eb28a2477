/**
 * The operator's side of a connector, for thousands of messages: it puts users' messages on the queue,
 * takes what is to be sent, says what became of it, and keeps what is parked. A bare AMQP client of
 * its own, with its own connection, which the scenarios leave alone.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type ChannelModel, type ConfirmChannel, connect, type ConsumeMessage } from "amqplib";
import { workersQueue } from "../support/queues.ts";
import type { Parked, Put } from "./history.ts";

/** The queue of messages from users, and that of events. */
export type End = "inbound" | "event";

/** A message to a user, as it came off the queue. */
export interface Sent {
  /** vumi's id. */
  readonly id: string;
  /** What it says. */
  readonly content: string;
}

/** A payload, and what it is tagged with. */
export interface Letter {
  /** The AMQP property `message_id`. */
  readonly tag: string;
  /** The payload. */
  readonly body: Uint8Array;
}

/** What a user writes. */
export interface Writing {
  /** vumi's id. */
  readonly id: string;
  /** The user's address. */
  readonly user: string;
  /** What it says. */
  readonly text: string;
}

/** What was put on a queue, and when. */
export type PutMessage = Put & { readonly at: number };

/**
 * What is said of a message: nothing; that it was sent and delivered; or after that, too late, that it
 * is pending, of which Turn must hear nothing.
 */
export type Reports = "none" | "two" | "two and a late one";

/** How an {@linkcode Operator} works. */
export interface OperatorOptions {
  /** The broker. */
  readonly url: string;
  /** Whose queues. */
  readonly connector: string;
  /** What follows on each message. */
  readonly reports: Reports;
  /** Whether what is parked is left where it is, as it can't be read here. */
  readonly leavesParked?: boolean;
}

const BATCH = 250;

/** Plays the operator of one connector. */
export class Operator implements AsyncDisposable {
  /** What was put on `.inbound`, confirmed. */
  readonly inbound: PutMessage[] = [];
  /** What was put on `.event`. */
  readonly events: PutMessage[] = [];
  /** What came on `.outbound`, in order. */
  readonly outbound: Sent[] = [];
  /** What is parked, by the AMQP property `message_id`, as its body may say nothing. */
  readonly parked: Record<End, Parked[]> = { inbound: [], event: [] };
  readonly #options: OperatorOptions;
  #connection: ChannelModel | undefined;
  #channel: ConfirmChannel | undefined;
  #consumers: string[] = [];

  private constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /** Connects. */
  static async start(options: OperatorOptions): Promise<Operator> {
    const operator = new Operator(options);
    await operator.connect();
    return operator;
  }

  /** Declares the queues as a worker does, and consumes; at another node if there is one. */
  async connect(url = this.#options.url): Promise<void> {
    const connection = this.#connection = await connect(url);
    connection.on("error", () => {});
    const channel = this.#channel = await connection.createConfirmChannel();
    await channel.prefetch(500);
    await channel.assertExchange("vumi", "direct", { durable: true });
    for (const end of ["inbound", "event", "outbound", "inbound.parked", "event.parked"]) {
      const queue = this.queue(end);
      await channel.assertQueue(queue, workersQueue());
      await channel.bindQueue(queue, "vumi", queue);
    }
    const consume = async (end: string, take: (message: ConsumeMessage) => void): Promise<void> => {
      const { consumerTag } = await channel.consume(this.queue(end), (message) => {
        if (message === null) return; // The queue was deleted.
        take(message);
        channel.ack(message);
      });
      this.#consumers.push(consumerTag);
    };
    await consume("outbound", (message) => this.#send(channel, message));
    for (const end of this.#options.leavesParked ? [] : ["inbound", "event"] as const) {
      await consume(`${end}.parked`, (message) => this.parked[end].push(toParked(message)));
    }
  }

  /** Leaves in good order, so that nothing is half done. */
  async leave(): Promise<void> {
    for (const tag of this.#consumers) await this.#channel?.cancel(tag);
    this.#consumers = [];
    await this.#channel?.waitForConfirms();
    await this.#channel?.close();
    await this.#connection?.close();
  }

  /** The full name of a queue. */
  queue(end: string): string {
    return `${this.#options.connector}.${end}`;
  }

  /** Puts users' messages on `.inbound`, in this order. */
  async receive(messages: readonly Writing[]): Promise<void> {
    for (let from = 0; from < messages.length; from += BATCH) {
      const batch = messages.slice(from, from + BATCH);
      await this.post("inbound", batch.map((message) => inboundLetter(message)));
      const at = Date.now();
      this.inbound.push(...batch.map(({ id, user }) => ({ id, user, at })));
    }
  }

  /** Puts payloads on a queue as they are, confirmed. */
  async post(end: End, letters: readonly Letter[]): Promise<void> {
    const channel = this.#open();
    for (let from = 0; from < letters.length; from += BATCH) {
      for (const { tag, body } of letters.slice(from, from + BATCH)) {
        publish(channel, this.queue(end), body, tag);
      }
      await channel.waitForConfirms();
    }
  }

  /** How many messages wait in a queue, those in work not counted; undefined if it isn't there. */
  async depth(end: string): Promise<number | undefined> {
    const channel = await this.#connection?.createChannel();
    channel?.on("error", () => {}); // Asking for a queue that isn't there ends the channel.
    try {
      const depth = (await channel?.checkQueue(this.queue(end)))?.messageCount;
      await channel?.close();
      return depth;
    } catch {
      return undefined;
    }
  }

  /** Deletes the connector's queues. */
  async clear(): Promise<void> {
    const channel = this.#open();
    for (
      const end of [
        "inbound",
        "event",
        "outbound",
        "inbound.parked",
        "event.parked",
        "lead",
        "held",
        "held.sms",
        "held.parked",
      ]
    ) {
      await channel.deleteQueue(this.queue(end));
    }
  }

  /** Leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.close().catch(() => {}); // The broker may have gone before us.
  }

  #open(): ConfirmChannel {
    if (this.#channel === undefined) throw new Error("The operator is not connected");
    return this.#channel;
  }

  #send(channel: ConfirmChannel, raw: ConsumeMessage): void {
    const { message_id: id, content } = JSON.parse(raw.content.toString());
    this.outbound.push({ id, content });
    const { reports } = this.#options;
    if (reports === "none") return;
    const sent = `${id}:sent`, delivered = `${id}:delivered`;
    const event = (tag: string, fields: Record<string, unknown>): void => {
      const body = { user_message_id: id, message_type: "event", ...fields };
      publish(channel, this.queue("event"), encoder.encode(JSON.stringify(body)), tag);
    };
    event(sent, { event_type: "ack", sent_message_id: `provider-${id}` });
    event(delivered, { event_type: "delivery_report", delivery_status: "delivered" });
    if (reports === "two and a late one") {
      event(`${id}:late`, { event_type: "delivery_report", delivery_status: "pending" });
    }
    const at = Date.now();
    this.events.push({ id: sent, user: id, at, supersededBy: delivered });
    this.events.push({ id: delivered, user: id, at });
  }
}

const encoder = new TextEncoder();

function publish(
  channel: ConfirmChannel,
  queue: string,
  body: Uint8Array,
  messageId: string,
): void {
  channel.publish("vumi", queue, Buffer.from(body), { persistent: true, messageId });
}

/** A user's message as it is on the queue. */
export function wireMessage({ id, user, text }: Writing): unknown {
  return {
    message_id: id,
    to_addr: "8110",
    from_addr: user,
    transport_name: "smpp_transport",
    transport_type: "sms",
    message_type: "user_message",
    message_version: "20110921",
    timestamp: "2015-06-15 13:00:00.000000",
    content: text,
  };
}

/** The same, tagged with its id. */
function inboundLetter(writing: Writing): Letter {
  return { tag: writing.id, body: encoder.encode(JSON.stringify(wireMessage(writing))) };
}

function toParked({ properties }: ConsumeMessage): Parked {
  const { "x-parked-reason": reason, "x-parked-status": status } = properties.headers ?? {};
  return {
    id: String(properties.messageId),
    reason: typeof reason === "string" ? reason : "",
    ...(typeof status === "number" ? { status } : {}),
  };
}
