/**
 * A pretend vumi transport: it publishes users' messages and events on a connector's queues, and
 * consumes the messages to users. It knows the queues and nothing of the bridge.
 *
 * @module
 */

import type { Consumer, Publisher, Subscriber } from "../broker/mod.ts";
import {
  type ConnectorQueues,
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
import { Watchers } from "./watchers.ts";

interface TransportOptions {
  readonly connectorName: string;
  readonly broker: Publisher & Subscriber;
}

/** Each method is called before what it reports goes on. */
interface TransportWatcher {
  /** A message from a user is put on the queue. */
  published?(message: Message): void;
  /** An event is put on the queue. */
  reported?(event: Event): void;
  taken?(message: Message): void;
}

/** A user's message, as far as the user decides on it. */
export type UserAction = Omit<MessageFields, "transport_name">;

export class Transport implements AsyncDisposable {
  readonly queues: ConnectorQueues;
  readonly #name: string;
  readonly #broker: Publisher & Subscriber;
  readonly #consumer: Consumer;
  readonly #watchers = new Watchers<TransportWatcher>();

  private constructor({ connectorName, broker }: TransportOptions) {
    this.queues = queuesOf(connectorName);
    this.#name = `${connectorName}_transport`;
    this.#broker = broker;
    const { inbound, event, outbound } = this.queues;
    for (const queue of [inbound, event]) broker.declare(queue);
    const options = { prefetch: 1, parkingQueue: `${outbound}.parked` };
    this.#consumer = broker.consume(outbound, options, ({ body }) => {
      const message = decodeMessage(body);
      this.#watchers.each((watcher) => watcher.taken?.(message));
      return Promise.resolve({ kind: "done" });
    });
  }

  static start(options: TransportOptions): Transport {
    return new Transport(options);
  }

  /** Calls `watcher` until the disposable is disposed. */
  watch(watcher: TransportWatcher): Disposable {
    return this.#watchers.add(watcher);
  }

  /** Makes a message, and does not publish it. */
  compose(action: UserAction): Message {
    return createMessage({ transport_name: this.#name, ...action });
  }

  async publish(message: Message): Promise<void> {
    this.#watchers.each((watcher) => watcher.published?.(message));
    await this.#broker.publish(this.queues.inbound, encodeMessage(message));
  }

  async publishEvent(event: Event): Promise<void> {
    this.#watchers.each((watcher) => watcher.reported?.(event));
    await this.#broker.publish(this.queues.event, encodeEvent(event));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer.cancel();
  }
}

/** The provider accepted the message. */
export function ack(messageId: string): Event {
  return { ...event(messageId), event_type: "ack", sent_message_id: newId() };
}

/** The provider refused the message. */
export function nack(messageId: string, reason: string): Event {
  return { ...event(messageId), event_type: "nack", nack_reason: reason };
}

/** The user's phone got the message, or did not. */
export function deliveryReport(
  messageId: string,
  status: "delivered" | "failed" = "delivered",
): Event {
  return { ...event(messageId), event_type: "delivery_report", delivery_status: status };
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
