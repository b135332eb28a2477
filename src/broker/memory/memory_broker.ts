// The adapter without a server, for the demo and for tests: queues in this process, gone with it.

import { sleep } from "../../async/mod.ts";
import { runHandler } from "../handler.ts";
import { copyHeaders, type Headers, shortened } from "../headers.ts";
import {
  type Broker,
  type BrokerStatus,
  type ConsumeOptions,
  type Consumer,
  type Decide,
  delayQueue,
  type Handler,
  type LeadOptions,
  PublishError,
  type QueuedMessage,
} from "../mod.ts";

interface StoredMessage {
  readonly message: QueuedMessage;
  readonly place: number;
  redelivered: boolean;
  /** In a delay queue: where it goes when its time is up. */
  readonly goesTo: string | undefined;
  isDue: boolean;
}

interface Subscription extends ConsumeOptions {
  readonly handler: Handler;
  readonly work: Set<Promise<void>>;
}

/** A queue: messages in the order of their places, which they keep when they are put back. */
class MemoryQueue {
  /** Those that nobody has taken, the next one first. */
  waiting: StoredMessage[] = [];
  /** The next one to take a message comes first. */
  readonly subscriptions = new Set<Subscription>();

  /** Takes the next message and says for whom; undefined if there is none, or nobody free. */
  next(): [Subscription, StoredMessage] | undefined {
    const subscription = this.subscriptions.values()
      .find(({ work, prefetch }) => work.size < prefetch);
    const stored = subscription && this.waiting.shift();
    if (!subscription || !stored) return undefined;
    this.subscriptions.delete(subscription);
    this.subscriptions.add(subscription);
    return [subscription, stored];
  }

  /** Puts a message that was taken back to its place. */
  putBack(stored: StoredMessage): void {
    stored.redelivered = true;
    const index = this.waiting.findIndex(({ place }) => place > stored.place);
    this.waiting.splice(index < 0 ? this.waiting.length : index, 0, stored);
  }

  takeDue(): StoredMessage[] {
    const due = this.waiting.filter(({ isDue }) => isDue);
    this.waiting = this.waiting.filter(({ isDue }) => !isDue);
    return due;
  }
}

export class MemoryBroker implements Broker {
  readonly #queues = new Map<string, MemoryQueue>();
  /** What was left for whoever leads, by the queue's name. */
  readonly #left = new Map<string, string>();
  readonly #leading = new Set<LeadOptions>();
  readonly #closed = new AbortController();
  #places = 0;

  private constructor() {}

  static open(): MemoryBroker {
    return new MemoryBroker();
  }

  /** The messages of a queue that nobody has taken yet, the next one first. */
  waiting(queue: string): readonly QueuedMessage[] {
    return this.#queues.get(queue)?.waiting.map(({ message }) => message) ?? [];
  }

  declare(queue: string): void {
    this.#declare(queue);
  }

  // deno-lint-ignore require-await -- a fault has to reject, not to be thrown
  async publish(queue: string, body: Uint8Array, headers: Headers = {}): Promise<void> {
    this.#checkOpen(`Cannot publish to ${queue}`);
    this.#enqueue(queue, { body: body.slice(), headers: shortened(headers) });
  }

  consume(queue: string, options: ConsumeOptions, handler: Handler): Consumer {
    this.declare(options.parkingQueue);
    if (options.lead !== undefined) this.#lead(options.lead);
    const { subscriptions } = this.#declare(queue);
    const work = new Set<Promise<void>>();
    const subscription: Subscription = { ...options, handler, work };
    subscriptions.add(subscription);
    this.#dispatchSoon(queue);
    return {
      cancel: () => {
        subscriptions.delete(subscription);
        return Promise.resolve();
      },
      settled: async () => void await Promise.all(work),
    };
  }

  async browse(name: string, decide: Decide): Promise<void> {
    this.#checkOpen(`Cannot look through ${name}`);
    const queue = this.#queues.get(name);
    const kept: StoredMessage[] = [];
    try {
      for (let left = queue?.waiting.length ?? 0; left > 0; left--) {
        const stored = queue?.waiting.shift();
        if (!stored) break; // Others have taken some meanwhile.
        kept.push(stored);
        const { message } = stored;
        const decision = await decide(message);
        this.#checkOpen(`Cannot look through ${name}`);
        if (decision === "keep") continue;
        if (decision !== "drop") {
          this.#enqueue(decision.moveTo, { ...message, headers: { ...decision.headers } });
        }
        kept.pop();
      }
    } finally {
      for (const stored of kept) this.#putBack(name, stored);
    }
  }

  // deno-lint-ignore require-await -- a fault has to reject, not to be thrown
  async depth(queue: string): Promise<number | undefined> {
    this.#checkOpen(`Cannot look at ${queue}`);
    return this.#queues.get(queue)?.waiting.length;
  }

  leads(queue: string): boolean {
    return this.#left.has(queue);
  }

  connected(): Promise<void> {
    return Promise.resolve();
  }

  status(): BrokerStatus {
    const isOpen = !this.#closed.signal.aborted;
    return {
      state: isOpen ? "open" : "closed",
      publishing: isOpen,
      consuming: isOpen,
      faults: new Map(),
    };
  }

  /** Closes the broker; messages in work are lost to their handlers. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    return Promise.resolve();
  }

  #lead(lead: LeadOptions): void {
    if (this.#leading.has(lead)) return;
    this.#leading.add(lead);
    const left = this.#left.get(lead.queue) ?? "";
    this.#left.set(lead.queue, left);
    const leave = (text: string) =>
      Promise.resolve(this.#left.set(lead.queue, text).has(lead.queue));
    lead.onLead({ left, leave });
  }

  #checkOpen(action: string): void {
    if (!this.#closed.signal.aborted) return;
    throw new PublishError("unavailable", `${action}: the broker is closed`);
  }

  #declare(name: string): MemoryQueue {
    const queue = this.#queues.get(name) ?? new MemoryQueue();
    this.#queues.set(name, queue);
    return queue;
  }

  #enqueue(name: string, message: QueuedMessage): void {
    const queue = this.#queues.get(name);
    if (!queue) throw new PublishError("refused", `Cannot publish to ${name}: no such queue`);
    queue.waiting.push(this.#stored(message));
    this.#dispatchSoon(name);
  }

  async #enqueueLater(goesTo: string, message: QueuedMessage, delayMs: number): Promise<void> {
    const name = delayQueue(delayMs);
    const stored = this.#stored(message, goesTo);
    this.#declare(name).waiting.push(stored);
    await sleep(delayMs, this.#closed.signal);
    if (this.#closed.signal.aborted) return;
    stored.isDue = true;
    this.#moveDue(name);
  }

  #stored(message: QueuedMessage, goesTo?: string): StoredMessage {
    return { message, goesTo, place: this.#places++, redelivered: false, isDue: false };
  }

  /** Moves on what has waited long enough, unless someone is looking at it. */
  #moveDue(name: string): void {
    for (const { goesTo, message } of this.#queues.get(name)?.takeDue() ?? []) {
      if (goesTo !== undefined) this.#enqueue(goesTo, message);
    }
  }

  /** Later, as over a network: no handler runs before the call that caused it has returned. */
  #dispatchSoon(queue: string): void {
    queueMicrotask(() => this.#dispatch(queue));
  }

  #dispatch(name: string): void {
    const queue = this.#queues.get(name);
    while (!this.#closed.signal.aborted) {
      const [subscription, stored] = queue?.next() ?? [];
      if (!subscription || !stored) return;
      const work = this.#handle(name, subscription, stored);
      subscription.work.add(work);
      void work.finally(() => {
        subscription.work.delete(work);
        this.#dispatch(name);
      });
    }
  }

  async #handle(queue: string, subscription: Subscription, stored: StoredMessage): Promise<void> {
    const { redelivered, message: { body, headers } } = stored;
    const message = { body, headers, redelivered, returns: 0, lost: this.#closed.signal };
    const disposition = await runHandler(subscription.handler, message, queue, subscription);
    if (this.#closed.signal.aborted || disposition.kind === "done") return;
    if (disposition.kind === "requeue") return this.#putBack(queue, stored);
    const copy = { body, headers: { ...headers, ...copyHeaders(queue, disposition, new Date()) } };
    switch (disposition.kind) {
      case "later":
        return void this.#enqueueLater(queue, copy, disposition.delayMs);
      case "again":
        return this.#enqueue(queue, copy);
      case "park":
        return this.#enqueue(subscription.parkingQueue, copy);
    }
  }

  #putBack(name: string, stored: StoredMessage): void {
    this.#queues.get(name)?.putBack(stored);
    this.#moveDue(name);
    this.#dispatchSoon(name);
  }
}
