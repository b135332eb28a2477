/**
 * A vumi transport, played: it puts what users write and what became of messages on a connector's
 * queues, and takes the messages to users off. It knows the queues and nothing of the bridge.
 *
 * @module
 */

import type { Broker, Consumer } from "../broker/mod.ts";
import {
  createMessage,
  decodeMessage,
  encodeEvent,
  encodeMessage,
  type Event,
  formatTimestamp,
  type Message,
  type MessageFields,
  newId,
  queuesOf,
} from "../vumi/mod.ts";
import { Inbox } from "./inbox.ts";

/** What a {@linkcode Transport} needs. */
export interface TransportOptions {
  /** Begins the names of the queues. */
  readonly connectorName: string;
  /** Where the queues are. */
  readonly broker: Broker;
}

/** What a user does: writes, dials, answers. */
export type UserAction = Omit<MessageFields, "transport_name">;

/** The worker behind a connector. */
export class Transport implements AsyncDisposable {
  /** Messages that are to go to users. */
  readonly outbound: Inbox<Message> = new Inbox();
  readonly #options: TransportOptions;
  readonly #consumer: Consumer;

  private constructor(options: TransportOptions) {
    const { outbound, inbound, event } = queuesOf(options.connectorName);
    this.#options = options;
    for (const queue of [inbound, event]) options.broker.declare(queue);
    this.#consumer = options.broker.consume(
      outbound,
      { prefetch: 1, parkingQueue: `${outbound}.parked` },
      ({ body }) => {
        this.outbound.put(decodeMessage(body));
        return Promise.resolve({ kind: "done" });
      },
    );
  }

  /** Begins to take messages to users. */
  static start(options: TransportOptions): Transport {
    return new Transport(options);
  }

  /** A message from a user, not yet on the queue, so that it can be shown first. */
  compose(action: UserAction): Message {
    return createMessage({ transport_name: `${this.#options.connectorName}_transport`, ...action });
  }

  /** Hands a user's message to the application. */
  async publish(message: Message): Promise<void> {
    const { connectorName, broker } = this.#options;
    await broker.publish(queuesOf(connectorName).inbound, encodeMessage(message));
  }

  /** Tells the application what became of a message. */
  async publishEvent(event: Event): Promise<void> {
    const { connectorName, broker } = this.#options;
    await broker.publish(queuesOf(connectorName).event, encodeEvent(event));
  }

  /** Takes nothing more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer.cancel();
  }
}

/** The provider took the message. */
export function ack(messageId: string): Event {
  return { ...event(messageId), event_type: "ack", sent_message_id: newId() };
}

/** The user's phone got the message. */
export function deliveryReport(messageId: string): Event {
  return { ...event(messageId), event_type: "delivery_report", delivery_status: "delivered" };
}

function event(messageId: string): Omit<Event, "event_type"> {
  return {
    event_id: newId(),
    user_message_id: messageId,
    sent_message_id: null,
    nack_reason: null,
    delivery_status: null,
    message_version: "20110921",
    message_type: "event",
    timestamp: formatTimestamp(new Date()),
    routing_metadata: {},
    helper_metadata: {},
    transport_metadata: {},
  };
}
