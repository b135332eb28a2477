/**
 * The adapter without a server, for the demo and for tests: queues in this process, gone with it.
 *
 * @module
 */

import { decide, parkedHeaders } from "./handle.ts";
import {
  type Broker,
  type BrokerStatus,
  type ConsumeOptions,
  type Consumer,
  type Handler,
  PublishError,
} from "./mod.ts";

/** A message in a queue of a {@linkcode MemoryBroker}. */
export interface QueuedMessage {
  /** The payload. */
  readonly body: Uint8Array;
  /** The headers: empty, if it has not been parked. */
  readonly headers: Readonly<Record<string, unknown>>;
}

interface Entry extends QueuedMessage {
  /** Its place among the messages of all queues. */
  readonly place: number;
  readonly redelivered: boolean;
}

interface Subscription extends ConsumeOptions {
  readonly handler: Handler;
  readonly work: Set<Promise<void>>;
}

interface Queue {
  /** In order of their places. */
  readonly waiting: Entry[];
  /** The one whose turn it is comes first. */
  readonly subscriptions: Subscription[];
}

/** A {@linkcode Broker} in one process. */
export class MemoryBroker implements Broker {
  readonly #queues = new Map<string, Queue>();
  readonly #closed = new AbortController();
  #places = 0;

  private constructor() {}

  /** Makes an empty broker. */
  static open(): MemoryBroker {
    return new MemoryBroker();
  }

  /** The messages of a queue that nobody has taken yet, the next one first. */
  waiting(queue: string): readonly QueuedMessage[] {
    const entries = this.#queues.get(queue)?.waiting ?? [];
    return entries.map(({ body, headers }) => ({ body, headers }));
  }

  /** See {@linkcode Broker.declare}. */
  declare(queue: string): void {
    if (!this.#queues.has(queue)) this.#queues.set(queue, { waiting: [], subscriptions: [] });
  }

  /** See {@linkcode Broker.publish}. */
  // deno-lint-ignore require-await -- a fault has to reject, not to be thrown
  async publish(queue: string, body: Uint8Array): Promise<void> {
    if (this.#closed.signal.aborted) {
      throw new PublishError("unavailable", `Cannot publish to ${queue}: the broker is closed`);
    }
    this.#enqueue(queue, { body: body.slice(), headers: {} });
  }

  /** See {@linkcode Broker.consume}. */
  consume(queue: string, options: ConsumeOptions, handler: Handler): Consumer {
    this.declare(options.parkingQueue);
    const { subscriptions } = this.#queue(queue);
    const subscription = { ...options, handler, work: new Set<Promise<void>>() };
    subscriptions.push(subscription);
    this.#dispatchSoon(queue);
    return {
      cancel: () => {
        const index = subscriptions.indexOf(subscription);
        if (index >= 0) subscriptions.splice(index, 1);
        return Promise.resolve();
      },
      settled: async () => void await Promise.all(subscription.work),
    };
  }

  /** See {@linkcode Broker.status}. */
  status(): BrokerStatus {
    const state = this.#closed.signal.aborted ? "closed" : "open";
    return { state, serverProperties: { product: "memory" } };
  }

  /** Closes it; messages in work are lost to their handlers. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    return Promise.resolve();
  }

  #queue(name: string): Queue {
    const queue = this.#queues.get(name) ?? { waiting: [], subscriptions: [] };
    this.#queues.set(name, queue);
    return queue;
  }

  #enqueue(queue: string, message: QueuedMessage): void {
    const waiting = this.#queues.get(queue)?.waiting;
    if (!waiting) throw new PublishError("refused", `Cannot publish to ${queue}: no such queue`);
    waiting.push({ ...message, place: this.#places++, redelivered: false });
    this.#dispatchSoon(queue);
  }

  /** Later, as over a network: no handler runs before the call that caused it has returned. */
  #dispatchSoon(queue: string): void {
    queueMicrotask(() => this.#dispatch(queue));
  }

  #dispatch(name: string): void {
    const { waiting, subscriptions } = this.#queue(name);
    while (!this.#closed.signal.aborted) {
      const index = subscriptions.findIndex(({ work, prefetch }) => work.size < prefetch);
      const [subscription] = index < 0 ? [] : subscriptions.splice(index, 1);
      if (!subscription) return;
      const entry = waiting.shift();
      if (!entry) return void subscriptions.unshift(subscription);
      subscriptions.push(subscription);
      const work = this.#handle(name, subscription, entry);
      subscription.work.add(work);
      void work.finally(() => {
        subscription.work.delete(work);
        this.#dispatch(name);
      });
    }
  }

  async #handle(queue: string, subscription: Subscription, entry: Entry): Promise<void> {
    const { body, headers, redelivered } = entry;
    const message = { body, headers, redelivered, lost: this.#closed.signal };
    const disposition = await decide(subscription.handler, message, queue);
    if (this.#closed.signal.aborted) return;
    if (disposition.kind === "requeue") this.#putBack(queue, entry);
    if (disposition.kind === "park") {
      const parked = { ...headers, ...parkedHeaders(queue, disposition, new Date()) };
      this.#enqueue(subscription.parkingQueue, { body, headers: parked });
    }
  }

  #putBack(queue: string, entry: Entry): void {
    const { waiting } = this.#queue(queue);
    const index = waiting.findIndex(({ place }) => place > entry.place);
    waiting.splice(index < 0 ? waiting.length : index, 0, { ...entry, redelivered: true });
  }
}
