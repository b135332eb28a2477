// A simulated vumi transport: it publishes users' messages and events on a connector's queues, and
// consumes the messages to users. It knows the queues and nothing of the bridge.

import type { Consumer, Disposition, Publisher, Subscriber } from "../broker/mod.ts";
import {
  type ConnectorQueues,
  createMessage,
  decodeEvent,
  decodeMessage,
  encodeEvent,
  encodeMessage,
  type Event,
  MalformedPayloadError,
  type Message,
  type MessageFields,
  newId,
  queuesOf,
} from "../vumi/mod.ts";
import { Watchers } from "./watchers.ts";

/** Each method is called before what it reports goes on. */
interface TransportWatcher {
  /** A message from a user is put on the queue. */
  published?(message: Message): void;
  reported?(event: Event): void;
  taken?(message: Message): void;
}

/** A user's message, as far as the user decides on it. */
export type UserAction = Omit<MessageFields, "transport_name">;

export class Transport implements AsyncDisposable {
  readonly queues: ConnectorQueues;
  readonly connector: string;
  readonly #watchers = new Watchers<TransportWatcher>();
  readonly watch = (watcher: TransportWatcher): Disposable => this.#watchers.add(watcher);
  readonly #broker: Publisher & Subscriber;
  #consumer: Consumer | undefined;

  constructor(connector: string, broker: Publisher & Subscriber) {
    this.queues = queuesOf(connector);
    this.connector = connector;
    this.#broker = broker;
    const { inbound, event } = this.queues;
    for (const queue of [inbound, event]) broker.declare(queue);
  }

  /** Begins to take messages to users. */
  start(): void {
    const { outbound } = this.queues;
    const options = { prefetch: 1, parkingQueue: `${outbound}.parked` };
    this.#consumer = this.#broker.consume(outbound, options, ({ body }) => {
      return Promise.resolve(this.#take(body));
    });
  }

  compose(action: UserAction): Message {
    return createMessage({ transport_name: `${this.connector}_transport`, ...action });
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
    await this.#consumer?.cancel();
  }

  #take(body: Uint8Array): Disposition {
    let message: Message;
    try {
      message = decodeMessage(body);
    } catch (error) {
      if (error instanceof MalformedPayloadError) return { kind: "park", reason: error.message };
      throw error;
    }
    this.#watchers.each((watcher) => watcher.taken?.(message));
    return { kind: "done" };
  }
}

/** What becomes of a message to a user, in the order ack or nack, delivered or failed. */
export type Report = "ack" | "nack" | "delivered" | "failed";

/** An event about the message `messageId`; `reason` is for a nack. */
export function createEvent(messageId: string, report: Report, reason?: string): Event {
  const fields = {
    ack: { event_type: "ack", sent_message_id: newId() },
    nack: { event_type: "nack", nack_reason: reason ?? "the network refused it" },
    delivered: { event_type: "delivery_report", delivery_status: "delivered" },
    failed: { event_type: "delivery_report", delivery_status: "failed" },
  }[report];
  const event = { user_message_id: messageId, ...fields };
  return decodeEvent(new TextEncoder().encode(JSON.stringify(event)));
}
