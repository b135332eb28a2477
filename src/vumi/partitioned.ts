/**
 * Consumes a queue by way of its partitions. One instance moves its messages to them; each partition
 * is consumed by one instance, and each instance has its share of them. They agree on that through
 * the broker alone, and look every second whether it is still right.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import {
  type Broker,
  type Claim,
  type ConsumeOptions,
  type Consumer,
  type Handler,
  type Membership,
  type MovedMessage,
  type Mover,
  PublishError,
} from "../broker/mod.ts";
import {
  findPartitions,
  MOVED_AGAIN_HEADERS,
  partitionOf,
  partitionsOf,
  prefetchOf,
  shareOf,
} from "./partitions.ts";

const log = getLogger(["turn-channels", "vumi"]);

/** How often it is looked who is there and what is free, in milliseconds. */
const EVERY_MS = 1_000;

/** What a {@linkcode PartitionedConsumer} needs. */
export interface PartitionedOptions extends Omit<ConsumeOptions, "home"> {
  /** Where the queues are. */
  readonly broker: Broker;
  /** The queue that messages come on. */
  readonly queue: string;
  /** How many partitions; with 0 those that are left from before are emptied, and that is all. */
  readonly count: number;
  /** What a message is about; undefined if it can't be read. */
  readonly keyOf: (body: Uint8Array) => string | undefined;
  /** Decides about each message. */
  readonly handler: Handler;
}

/** A partition that is ours. */
interface Held {
  readonly claim: Claim;
  consumer: Consumer;
  prefetch: number;
}

/** One consumer in place of many. */
export class PartitionedConsumer implements Consumer {
  readonly #options: PartitionedOptions;
  readonly #mover: Mover | undefined;
  readonly #stop = new AbortController();
  readonly #held = new Map<string, Held>();
  /** What is being given back. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #running: Promise<void>;
  #names: readonly string[] = [];
  #members: Membership | undefined;
  #paused = false;
  #reported = "";

  /** Begins. */
  constructor(options: PartitionedOptions) {
    const { broker, queue, count } = options;
    this.#options = options;
    this.#names = partitionsOf(queue, count);
    for (const name of this.#names) broker.declare(name);
    if (count > 0) {
      this.#mover = broker.move(queue, {
        targets: this.#names,
        route: (message) => this.#route(message),
      });
    }
    this.#running = this.#run();
  }

  /** All partitions that are known; those that are left from before are, when they were looked for. */
  get partitions(): readonly string[] {
    return this.#names;
  }

  /** See {@linkcode Consumer.cancel}. */
  async cancel(): Promise<void> {
    this.stop();
    await Promise.all([
      this.#mover?.stop(),
      this.#running,
      this.#members?.release(),
      ...[...this.#held.values()].map(({ consumer }) => consumer.cancel()),
    ]);
  }

  /** Looks no more what is free; for one whose broker is closed. */
  stop(): void {
    this.#stop.abort();
  }

  /** See {@linkcode Consumer.pause}. What is ours stays ours, and messages are moved as before. */
  async pause(): Promise<void> {
    this.#paused = true;
    await Promise.all([...this.#held.values()].map(({ consumer }) => consumer.pause()));
  }

  /** See {@linkcode Consumer.resume}. */
  resume(): void {
    this.#paused = false;
    for (const { consumer } of this.#held.values()) consumer.resume();
  }

  /** See {@linkcode Consumer.settled}. When it is cancelled, others can have the partitions then. */
  async settled(): Promise<void> {
    const held = [...this.#held.values()];
    await Promise.all(held.map(({ consumer }) => consumer.settled()));
    await Promise.all(this.#leaving);
    if (this.#stop.signal.aborted) await Promise.all(held.map(({ claim }) => claim.release()));
  }

  /** What can't be read goes to the first one, and is parked from there. */
  #route({ body, redelivered }: MovedMessage): ReturnType<MoveRoute> {
    const { queue, count, keyOf } = this.#options;
    const key = keyOf(body);
    const index = key === undefined ? 0 : partitionOf(key, count);
    const to = this.#names[index] ?? queue;
    return redelivered ? { to, headers: MOVED_AGAIN_HEADERS } : { to };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let isFound = false;
    while (!signal.aborted) {
      try {
        if (!isFound) await this.#find();
        isFound = true;
        if (this.#names.length === 0) return;
        await this.#balance();
      } catch (error) {
        this.#reportFault(error);
      }
      // It rejects when it is aborted. Not all at the same moment.
      await delay(EVERY_MS * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
    }
  }

  async #find(): Promise<void> {
    const { broker, queue, count } = this.#options;
    this.#names = await findPartitions(broker, queue, count);
    const left = this.#names.length - count;
    if (left === 0) return;
    const text = "{queue} has {left} partitions more than are configured, which are emptied too";
    log.warn(text, { queue, left });
  }

  /** Gives back what is more than our share, or takes what is free if it is less. */
  async #balance(): Promise<void> {
    const before = this.#held.size;
    const share = shareOf(this.#names.length, await this.#instances());
    for (const name of [...this.#held.keys()].slice(share)) this.#giveBack(name);
    // Also what is being given back is in hand.
    const most = Math.max(share, this.#held.size + this.#leaving.size);
    const prefetch = (index: number): number => prefetchOf(this.#options.prefetch, most, index);
    for (const [index, [name, held]] of [...this.#held].entries()) {
      if (held.prefetch !== prefetch(index)) void this.#renew(name, held, prefetch(index));
    }
    // Beginning anywhere, so that not all want the same one. While nobody works nothing is urgent.
    const start = Math.floor(Math.random() * this.#names.length);
    for (const name of [...this.#names.slice(start), ...this.#names.slice(0, start)]) {
      if (this.#held.size >= share || this.#paused || this.#stop.signal.aborted) break;
      if (!this.#held.has(name)) await this.#take(name, prefetch(this.#held.size));
    }
    if (this.#held.size === before) return;
    log.info("Consuming {held} of the {count} partitions of {queue}", {
      held: this.#held.size,
      count: this.#names.length,
      queue: this.#options.queue,
    });
  }

  /** How many share the partitions. If that can't be known, what is free is taken. */
  async #instances(): Promise<number> {
    const { broker, queue } = this.#options;
    try {
      if (this.#members === undefined || this.#members.lost.aborted) {
        this.#members = await broker.join(`${queue}.members`);
        // Too late for cancel() to know of it.
        if (this.#stop.signal.aborted) await this.#members?.release();
      }
      return await this.#members?.count() ?? 1;
    } catch (error) {
      if (!(error instanceof PublishError) || error.fault !== "refused") throw error;
      this.#reportFault(error);
      return 1;
    }
  }

  /**
   * Consumes with another prefetch, when all is answered that was handed out: a quorum queue might
   * hand out what comes behind before what was on its way, and went back.
   */
  async #renew(name: string, held: Held, prefetch: number): Promise<void> {
    held.prefetch = prefetch;
    await held.consumer.cancel();
    await held.consumer.settled();
    if (this.#held.get(name) !== held || this.#stop.signal.aborted) return;
    held.consumer = this.#consume(name, held.prefetch);
  }

  #consume(name: string, prefetch: number): Consumer {
    const { broker, queue, handler, parkingQueue, delaysMs } = this.#options;
    const options = { prefetch, parkingQueue, home: queue, ...(delaysMs && { delaysMs }) };
    const consumer = broker.consume(name, options, handler);
    if (this.#paused) void consumer.pause();
    return consumer;
  }

  async #take(name: string, prefetch: number): Promise<void> {
    const claim = await this.#options.broker.claim(name);
    if (claim === undefined) return;
    if (this.#stop.signal.aborted || claim.lost.aborted) return await claim.release();
    const held = { claim, consumer: this.#consume(name, prefetch), prefetch };
    this.#held.set(name, held);
    claim.lost.addEventListener("abort", () => {
      if (this.#held.get(name) !== held || this.#stop.signal.aborted) return;
      // Before there is a connection again, on which it would consume what is another's by then.
      this.#held.delete(name);
      this.#leave(held.consumer.cancel());
    });
  }

  /** In order: others can have it when all is answered that we have begun. */
  #giveBack(name: string): void {
    const held = this.#held.get(name);
    if (held === undefined) return;
    this.#held.delete(name);
    const { consumer, claim } = held;
    this.#leave(
      consumer.cancel().then(() => consumer.settled()).then(() => claim.release()),
    );
  }

  #leave(left: Promise<void>): void {
    this.#leaving.add(left);
    void left.finally(() => this.#leaving.delete(left));
  }

  /** Reports each reason once; that the broker is away is reported there. */
  #reportFault(error: unknown): void {
    if (!(error instanceof PublishError)) throw error;
    const { queue } = this.#options;
    const reason = error.message;
    if (error.fault !== "refused" || reason === this.#reported) return;
    this.#reported = reason;
    log.warn("Cannot share out the partitions of {queue}: {reason}", { queue, reason });
  }
}

type MoveRoute = Parameters<Broker["move"]>[1]["route"];
