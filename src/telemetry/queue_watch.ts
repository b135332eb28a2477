/**
 * Looks at the queues of all channels every 15 seconds, and at the delay queues that they share every
 * minute. What waits in a queue can't be seen without taking it out, so neither can its age; what is
 * seen is for how long there is something and nothing gets done.
 *
 * @module
 */

import { sleep } from "../async/mod.ts";
import type { QueueFigures } from "./live_figures.ts";

/** How often they are looked at, in milliseconds. */
const EVERY_MS = 15_000;
/** With thousands of queues less often: looking is to take no more than this part of the time. */
const LARGEST_PART = 1 / 40;
/** Delay queues once of so many times: what is in them waits anyway. */
const DELAYED_EACH = 4;
/** How soon again, while they can't be. */
const AGAIN_MS = 1_000;
/**
 * To ask for a queue that is not there is an error in the broker's log. So one that is only made when
 * it is needed is not asked for again until it may have been, or so many looks later, as others may
 * have made it.
 */
const ABSENT_LOOKS = 240;
/** What is to be in it may not be there yet when it is counted. */
const AGAIN_LOOKS = 4;

/** A queue to be looked at. */
export interface WatchedQueue {
  /** What it is called, in metrics. */
  readonly label: string;
  /** Its name at the broker. */
  readonly queue: string;
  /** Its parking queue, if it has one. */
  readonly parkingQueue?: string;
  /** A number that grows when we park a message of it. */
  readonly parked?: () => number;
  /** A number that grows when a message of it is finished; else that is seen by what is left. */
  readonly settled?: () => number;
  /** A number that grows when a message is put into it by us, if that is known. */
  readonly added?: () => number;
}

/** A delay queue. */
export interface WatchedDelay {
  /** What it is called, in metrics: the delay. */
  readonly label: string;
  /** Its name at the broker. */
  readonly queue: string;
}

/** A channel's queues. */
export interface WatchedQueues {
  /** The connector's name. */
  readonly connector: string;
  /** The queues of that connector. */
  readonly queues: readonly WatchedQueue[];
  /** Whether it is us who take messages off them; if others do, we don't see what they finish. */
  readonly isOurs: () => boolean;
  /** A number that grows when we put one of its messages into a delay queue. */
  readonly delayed: () => number;
}

/** Options of a {@linkcode QueueWatch}. */
export interface QueueWatchOptions {
  /** The delay queues that the channels share. */
  readonly delays: readonly WatchedDelay[];
  /** How many messages wait in a queue; undefined if it is not there. Rejects if nobody can tell. */
  readonly depth: (queue: string) => Promise<number | undefined>;
  /** Whether what it rejected with is to be expected, as when the broker is away. */
  readonly isExpected: (error: unknown) => boolean;
  /** Milliseconds since 1970; the platform's clock, unless given. */
  readonly now?: () => number;
}

interface Seen {
  readonly waiting: number;
  readonly parked: number | undefined;
  readonly settled: number;
  /** Since when it has messages and none is finished; undefined if that is not so. */
  readonly stalledSince: number | undefined;
}

/** That a queue was not there. */
interface Absent {
  /** How much had been put into it by then. */
  readonly filled: number;
  readonly atLook: number;
  /** How often it is asked for all the same: it may just be being made. */
  readonly again: number;
}

/** Looks at queues until it is disposed. */
export class QueueWatch implements AsyncDisposable {
  readonly #options: QueueWatchOptions;
  readonly #now: () => number;
  readonly #stop = new AbortController();
  readonly #channels: WatchedQueues[] = [];
  readonly #seen = new Map<string, Map<string, Seen>>();
  readonly #delayed = new Map<string, number>();
  readonly #absent = new Map<string, Absent>();
  #running: Promise<void> | undefined;
  /** How often it was looked since the broker could not tell. */
  #looks = 0;

  /** Looks at nothing yet. */
  constructor(options: QueueWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Looks at these, too; begins to look, soon, if it has not. */
  add(channel: WatchedQueues): void {
    this.#channels.push(channel);
    this.#running ??= Promise.resolve().then(() => this.#run());
  }

  /** What was seen last of a channel's queues, by label; nothing if the broker could not tell. */
  figures(connector: string): ReadonlyMap<string, QueueFigures> {
    const figures = new Map<string, QueueFigures>();
    if (this.#looks === 0) return figures;
    const now = this.#now();
    for (const [label, { waiting, parked, stalledSince }] of this.#seen.get(connector) ?? []) {
      const stalledMs = stalledSince === undefined ? 0 : Math.max(0, now - stalledSince);
      figures.set(label, { waiting, parked, stalledMs });
    }
    return figures;
  }

  /** How many messages of all channels wait in delay queues, by label; nothing if the broker could not tell. */
  delayed(): ReadonlyMap<string, number> {
    return this.#looks === 0 ? new Map() : this.#delayed;
  }

  /** Stops looking. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const begun = performance.now();
      await this.look();
      const restMs = this.#looks > 0 ? restAfter(performance.now() - begun) : AGAIN_MS;
      await sleep(restMs, signal);
    }
  }

  /** Looks now. */
  async look(): Promise<void> {
    try {
      for (const { connector, queues, isOurs } of this.#channels) {
        const before = this.#seen.get(connector) ?? new Map<string, Seen>();
        for (const queue of queues) {
          if (this.#stop.signal.aborted) return;
          const seen = await this.#lookAt(queue, before.get(queue.label));
          const isTheirs = queue.settled !== undefined && !isOurs();
          before.set(queue.label, isTheirs ? { ...seen, stalledSince: undefined } : seen);
        }
        this.#seen.set(connector, before);
      }
      if (this.#looks % DELAYED_EACH === 0) await this.#lookAtDelays();
      this.#looks++;
    } catch (error) {
      if (!this.#options.isExpected(error)) throw error;
      this.#looks = 0;
      // Another server may answer next.
      this.#absent.clear();
    }
  }

  async #lookAt(watched: WatchedQueue, before: Seen | undefined): Promise<Seen> {
    const { queue, parkingQueue, parked: filled = () => 0 } = watched;
    const waiting = await this.#options.depth(queue) ?? 0;
    const parked = parkingQueue === undefined
      ? undefined
      : await this.#depthIfThere(parkingQueue, filled());
    const settled = settledOf(watched, waiting);
    const isStalled = waiting > 0 && (before === undefined || settled <= before.settled);
    const stalledSince = isStalled ? before?.stalledSince ?? this.#now() : undefined;
    return { waiting, parked, settled, stalledSince };
  }

  async #lookAtDelays(): Promise<void> {
    const filled = this.#channels.reduce((sum, { delayed }) => sum + delayed(), 0);
    for (const { label, queue } of this.#options.delays) {
      if (this.#stop.signal.aborted) return;
      this.#delayed.set(label, await this.#depthIfThere(queue, filled));
    }
  }

  /** @param filled A number that has grown if the queue may have been made. */
  async #depthIfThere(queue: string, filled: number): Promise<number> {
    const absent = this.#absent.get(queue);
    const isNews = absent !== undefined && absent.filled !== filled;
    const isLong = absent !== undefined && this.#looks - absent.atLook >= ABSENT_LOOKS;
    if (absent !== undefined && !isNews && !isLong && absent.again === 0) return 0;
    const count = await this.#options.depth(queue);
    const again = isNews ? AGAIN_LOOKS : Math.max(0, (absent?.again ?? 0) - 1);
    if (count === undefined) this.#absent.set(queue, { filled, atLook: this.#looks, again });
    else this.#absent.delete(queue);
    return count ?? 0;
  }
}

/** How long nothing is looked at after a look that took so long; both in milliseconds. */
export function restAfter(tookMs: number): number {
  return Math.max(EVERY_MS, tookMs / LARGEST_PART);
}

/** As good as is known: what came out of it, or that it got shorter. */
function settledOf({ settled, added }: WatchedQueue, waiting: number): number {
  return settled === undefined ? (added?.() ?? 0) - waiting : settled();
}
