/**
 * Looks at the queues every 15 seconds, and at delay queues every minute. What waits in a queue can't
 * be seen without taking it out, so neither can its age; what is seen is for how long there is
 * something and nothing gets done.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { QueueFigures } from "./live_figures.ts";

/** How often they are looked at, in milliseconds. */
const EVERY_MS = 15_000;
/** Delay queues once of so many times: they are most of all, and what is in them waits anyway. */
const DELAYED_EACH = 4;
/** How soon again, while they can't be. */
const AGAIN_MS = 1_000;

/** A queue to be looked at. */
export interface WatchedQueue {
  /** What it is called, in metrics. */
  readonly label: string;
  /** Its name at the broker. */
  readonly queue: string;
  /** Its partitions, if it has any; what waits there waits in it. */
  readonly partitions?: () => readonly string[];
  /** Its delay queues, if it has any. */
  readonly delayQueues?: readonly string[];
  /** Its parking queue, if it has one. */
  readonly parkingQueue?: string;
  /** A number that grows when a message of it is finished; else that is seen by what is left. */
  readonly settled?: () => number;
  /** A number that grows when a message is put into it by us, if that is known. */
  readonly added?: () => number;
}

/** What a {@linkcode QueueWatch} is made of. */
export interface QueueWatchOptions {
  /** Which. */
  readonly queues: readonly WatchedQueue[];
  /** How many messages wait in a queue; undefined if it is not there. Rejects if nobody can tell. */
  readonly depth: (queue: string) => Promise<number | undefined>;
  /** Whether what it rejected with is to be expected, as when the broker is away. */
  readonly isExpected: (error: unknown) => boolean;
  /** Milliseconds since 1970; the platform's clock, unless given. */
  readonly now?: () => number;
}

interface Seen {
  readonly waiting: number;
  readonly delayed: number | undefined;
  readonly parked: number | undefined;
  readonly settled: number;
  /** Since when it has messages and none is finished; undefined if that is not so. */
  readonly stalledSince: number | undefined;
}

/** Looks until it is disposed. */
export class QueueWatch implements AsyncDisposable {
  readonly #options: QueueWatchOptions;
  readonly #now: () => number;
  readonly #stop = new AbortController();
  readonly #seen = new Map<string, Seen>();
  readonly #running: Promise<void>;
  /** How often it was looked since the broker could not tell. */
  #looks = 0;

  /** Begins. */
  constructor(options: QueueWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#running = this.#run();
  }

  /** What was seen last; nothing if the broker could not tell. */
  figures(): ReadonlyMap<string, QueueFigures> {
    const figures = new Map<string, QueueFigures>();
    if (this.#looks === 0) return figures;
    const now = this.#now();
    for (const [label, { waiting, delayed, parked, stalledSince }] of this.#seen) {
      const stalledMs = stalledSince === undefined ? 0 : Math.max(0, now - stalledSince);
      figures.set(label, { waiting, delayed, parked, stalledMs });
    }
    return figures;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.look();
      // It rejects when it is aborted.
      await delay(this.#looks > 0 ? EVERY_MS : AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Looks now. */
  async look(): Promise<void> {
    try {
      for (const queue of this.#options.queues) {
        if (this.#stop.signal.aborted) return;
        this.#seen.set(queue.label, await this.#lookAt(queue));
      }
      this.#looks++;
    } catch (error) {
      if (!this.#options.isExpected(error)) throw error;
      this.#looks = 0;
    }
  }

  async #lookAt(watched: WatchedQueue): Promise<Seen> {
    const { depth } = this.#options;
    const { label, queue, partitions, delayQueues, parkingQueue } = watched;
    let waiting = await depth(queue) ?? 0;
    for (const name of partitions?.() ?? []) waiting += await depth(name) ?? 0;
    const before = this.#seen.get(label);
    let delayed = before?.delayed;
    if (delayQueues !== undefined && this.#looks % DELAYED_EACH === 0) {
      delayed = 0;
      for (const name of delayQueues) delayed += await depth(name) ?? 0;
    }
    const parked = parkingQueue === undefined ? undefined : await depth(parkingQueue) ?? 0;
    const settled = settledOf(watched, waiting);
    const isStalled = waiting > 0 && (before === undefined || settled <= before.settled);
    const stalledSince = isStalled ? before?.stalledSince ?? this.#now() : undefined;
    return { waiting, delayed, parked, settled, stalledSince };
  }
}

/** As good as is known: what came out of it, or that it got shorter. */
function settledOf({ settled, added }: WatchedQueue, waiting: number): number {
  return settled === undefined ? (added?.() ?? 0) - waiting : settled();
}
