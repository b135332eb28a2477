/**
 * The adapter without a server, for the demo and for tests: queues in this process, gone with it.
 *
 * @module
 */

import { addedHeaders, decide, shortened } from "./handle.ts";
import { MemoryClaims } from "./memory_claims.ts";
import { type Delay, type Entry, MemoryQueue, type Subscription } from "./memory_queue.ts";
import {
  type Broker,
  type BrokerStatus,
  type Claim,
  type ConsumeOptions,
  type Consumer,
  delayQueue,
  type Fate,
  type Handler,
  type Headers,
  type Membership,
  type MoveOptions,
  type Mover,
  PublishError,
  type QueuedMessage,
} from "./mod.ts";

/** A {@linkcode Broker} in one process. */
export class MemoryBroker implements Broker {
  readonly #queues = new Map<string, MemoryQueue>();
  readonly #closed = new AbortController();
  readonly #claims = new MemoryClaims();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
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
    this.#declare(queue);
  }

  /** See {@linkcode Broker.publish}. */
  // deno-lint-ignore require-await -- a fault has to reject, not to be thrown
  async publish(queue: string, body: Uint8Array, headers: Headers = {}): Promise<void> {
    this.#checkOpen(`Cannot publish to ${queue}`);
    this.#enqueue(queue, { body: body.slice(), headers: shortened(headers) });
  }

  /** See {@linkcode Broker.consume}. */
  consume(queue: string, options: ConsumeOptions, handler: Handler): Consumer {
    this.declare(options.parkingQueue);
    const { home = queue } = options;
    for (const delayMs of options.delaysMs ?? []) {
      this.#declare(delayQueue(home, delayMs), { delayMs, to: home });
    }
    const { subscriptions } = this.#declare(queue);
    const work = new Set<Promise<void>>();
    const subscription: Subscription = { ...options, handler, work, paused: false };
    subscriptions.push(subscription);
    this.#dispatchSoon(queue);
    return {
      cancel: () => {
        const index = subscriptions.indexOf(subscription);
        if (index >= 0) subscriptions.splice(index, 1);
        return Promise.resolve();
      },
      pause: () => {
        subscription.paused = true;
        return Promise.resolve();
      },
      resume: () => {
        subscription.paused = false;
        this.#dispatchSoon(queue);
      },
      settled: async () => void await Promise.all(work),
    };
  }

  /** See {@linkcode Broker.sift}. */
  async sift(
    name: string,
    decideFate: (message: QueuedMessage) => Fate | Promise<Fate>,
  ): Promise<void> {
    this.#checkOpen(`Cannot look through ${name}`);
    const queue = this.#queues.get(name);
    const kept: Entry[] = [];
    try {
      for (let left = queue?.waiting.length ?? 0; left > 0; left--) {
        const entry = queue?.waiting.shift();
        if (!entry) break; // Others have taken some meanwhile.
        kept.push(entry);
        const fate = await decideFate({ body: entry.body, headers: entry.headers });
        this.#checkOpen(`Cannot look through ${name}`);
        if (fate === "keep") continue;
        if (fate !== "drop") {
          this.#enqueue(fate.moveTo, { body: entry.body, headers: { ...fate.headers } });
        }
        kept.pop();
      }
    } finally {
      for (const entry of kept) this.#putBack(name, entry);
    }
  }

  /** See {@linkcode Broker.depth}. */
  // deno-lint-ignore require-await -- a fault has to reject, not to be thrown
  async depth(queue: string): Promise<number | undefined> {
    this.#checkOpen(`Cannot look at ${queue}`);
    return this.#queues.get(queue)?.waiting.length;
  }

  /** See {@linkcode Broker.claim}. */
  // deno-lint-ignore require-await -- a fault has to reject, not to be thrown
  async claim(queue: string): Promise<Claim | undefined> {
    this.#checkOpen(`Cannot claim ${queue}`);
    const found = this.#queues.get(queue);
    return found && found.subscriptions.length === 0 ? this.#claims.claim(queue) : undefined;
  }

  /** See {@linkcode Broker.join}. */
  // deno-lint-ignore require-await -- As above.
  async join(group: string): Promise<Membership | undefined> {
    this.#checkOpen(`Cannot join ${group}`);
    return this.#claims.join(group);
  }

  /** See {@linkcode Broker.move}. */
  move(name: string, { targets, route }: MoveOptions): Mover {
    for (const target of targets) this.declare(target);
    const { subscriptions } = this.#declare(name);
    const handler: Handler = ({ body, headers, redelivered }) => {
      const { to, headers: added } = route({ body, headers, redelivered });
      this.#enqueue(to, { body, headers: { ...headers, ...added } });
      return Promise.resolve({ kind: "done" });
    };
    const work = new Set<Promise<void>>();
    const mover = { handler, work, prefetch: 1, parkingQueue: name, paused: false };
    return this.#claims.takeTurns(name, {
      begin: () => {
        subscriptions.push(mover);
        this.#dispatchSoon(name);
      },
      end: async () => {
        subscriptions.splice(subscriptions.indexOf(mover), 1);
        await Promise.all(work);
      },
    });
  }

  /** See {@linkcode Broker.connected}. */
  connected(): Promise<void> {
    return Promise.resolve();
  }

  /** See {@linkcode Broker.status}. */
  status(): BrokerStatus {
    const isOpen = !this.#closed.signal.aborted;
    return {
      state: isOpen ? "open" : "closed",
      publishing: isOpen,
      consuming: isOpen,
      serverProperties: { product: "memory" },
    };
  }

  /** Closes it; messages in work are lost to their handlers. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#claims.loseAll();
    for (const timer of this.#timers) clearTimeout(timer);
    return Promise.resolve();
  }

  #checkOpen(action: string): void {
    if (!this.#closed.signal.aborted) return;
    throw new PublishError("unavailable", `${action}: the broker is closed`);
  }

  #declare(name: string, delay?: Delay): MemoryQueue {
    const queue = this.#queues.get(name) ?? new MemoryQueue(delay);
    this.#queues.set(name, queue);
    return queue;
  }

  #enqueue(name: string, { body, headers }: QueuedMessage): void {
    const queue = this.#queues.get(name);
    if (!queue) throw new PublishError("refused", `Cannot publish to ${name}: no such queue`);
    const entry = { body, headers, place: this.#places++, redelivered: false, due: false };
    queue.waiting.push(entry);
    if (queue.delay) this.#wait(name, entry, queue.delay.delayMs);
    else this.#dispatchSoon(name);
  }

  #wait(delayQueue: string, entry: Entry, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      entry.due = true;
      this.#moveDue(delayQueue);
    }, delayMs);
    this.#timers.add(timer);
  }

  /** Moves on what has waited long enough, unless someone is looking at it. */
  #moveDue(name: string): void {
    const queue = this.#queues.get(name);
    if (!queue?.delay) return;
    for (const entry of queue.takeDue()) this.#enqueue(queue.delay.to, entry);
  }

  /** Later, as over a network: no handler runs before the call that caused it has returned. */
  #dispatchSoon(queue: string): void {
    queueMicrotask(() => this.#dispatch(queue));
  }

  #dispatch(name: string): void {
    const queue = this.#queues.get(name);
    while (!this.#closed.signal.aborted) {
      const [subscription, entry] = queue?.next() ?? [];
      if (!subscription || !entry) return;
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
    const { home = queue } = subscription;
    const disposition = await decide(subscription.handler, message, home, subscription);
    if (this.#closed.signal.aborted || disposition.kind === "done") return;
    if (disposition.kind === "requeue") return this.#putBack(queue, entry);
    const target = disposition.kind === "later"
      ? delayQueue(home, disposition.delayMs)
      : subscription.parkingQueue;
    const added = addedHeaders(home, disposition, new Date());
    this.#enqueue(target, { body, headers: { ...headers, ...added } });
  }

  #putBack(name: string, entry: Entry): void {
    this.#queues.get(name)?.putBack(entry);
    this.#moveDue(name);
    this.#dispatchSoon(name);
  }
}
