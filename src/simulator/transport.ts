// A simulated vumi transport: it publishes users' messages and events on a connector's queues, and
// consumes the messages to users. It knows the queues and nothing of the bridge.

import type { BrokerMessage, Consumer, Disposition, Publisher, Subscriber } from "../broker/mod.ts";
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

/** What becomes of a message to a user; undefined if it is to be taken. It is null if it can't be read. */
export type Sorter = (
  message: Message | null,
  arrival: BrokerMessage,
) => Promise<Disposition | undefined> | undefined;

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

  /** Begins to take messages to users, all of them unless `sort` says otherwise of some. */
  start(sort: Sorter = () => undefined, prefetch = 1): void {
    const { outbound } = this.queues;
    const options = { prefetch, parkingQueue: `${outbound}.parked` };
    this.#consumer = this.#broker.consume(outbound, options, async (arrival) => {
      const message = readMessage(arrival.body);
      const sorting = sort(typeof message === "string" ? null : message, arrival);
      // Without a wait for those that are taken: they keep their order.
      const disposition = sorting && await sorting;
      return disposition ?? this.#take(message);
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

  /** Takes no more messages. */
  async stop(): Promise<void> {
    await this.#consumer?.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#consumer?.settled();
  }

  /** @param message Why it can't be read, if it can't. */
  #take(message: Message | string): Disposition {
    if (typeof message === "string") return { kind: "park", reason: message };
    this.#watchers.each((watcher) => watcher.taken?.(message));
    return { kind: "done" };
  }
}

/** A message, or why it can't be read. */
function readMessage(body: Uint8Array): Message | string {
  try {
    return decodeMessage(body);
  } catch (error) {
    if (error instanceof MalformedPayloadError) return error.message;
    throw error;
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
