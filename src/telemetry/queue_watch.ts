// Looks at the queues of all channels every 15 seconds, and at the delay queues that they share every
// minute. What waits in a queue can't be seen without taking it out, so neither can its age; what is
// seen is for how long there is something and nothing gets done.

import { sleep, within } from "../async/mod.ts";
import type { QueueFigures } from "./live_figures.ts";

/** The pause between two looks. */
const EVERY_MS = 15_000;
/** What was seen so lately is fresh enough for a person; and how long a person waits for more. */
const FRESH_MS = 1_000;
const REFRESH_MS = 2_000;
/** With thousands of queues it rests longer: looking takes no more than this part of the time. */
const LARGEST_PART = 1 / 40;
/** The same while a person waits for what is seen. */
const LARGEST_PART_FRESH = 1 / 4;
/** Delay queues are looked at once of so many times: what is in them waits anyway. */
const DELAYED_EACH = 4;
/** How soon it looks again while the broker can't tell. */
const AGAIN_MS = 1_000;
/**
 * Asking for a queue that is not there is an error in the broker's log. So one that is only made when
 * it is needed is not asked for again until we need it, or so many looks later: others may have.
 */
const ABSENT_LOOKS = 240;
/** A queue that we need may not be there yet when that is counted. */
const AGAIN_LOOKS = 4;

/** A queue to be watched. Its numbers are asked for, and only ever grow. */
export interface WatchedQueue {
  /** What it is called in metrics. */
  readonly label: string;
  /** Its name at the broker. */
  readonly queue: string;
  /** Its parking queue, if it has one. */
  readonly parkingQueue?: string;
  /** How many messages of it we parked. */
  readonly parked?: () => number;
  /** How many messages of it were finished; else that is seen by what is left. */
  readonly settled?: () => number;
  /** How many messages we put into it, if that is known. */
  readonly added?: () => number;
}

/** A channel's queues. */
export interface WatchedQueues {
  /** The connector's name. */
  readonly connector: string;
  /** The queues of that connector. */
  readonly queues: readonly WatchedQueue[];
  /** Whether it is us who take messages off them; if others do, we don't see what they finish. */
  readonly isOurs: () => boolean;
  /** How many of its messages we put into delay queues; only ever grows. */
  readonly delayed: () => number;
}

/** Options of a {@linkcode QueueWatch}. */
export interface QueueWatchOptions {
  /** The delay queues that the channels share, each by its delay as metrics call it. */
  readonly delays: readonly Pick<WatchedQueue, "label" | "queue">[];
  /** How many messages wait in a queue; undefined if it is not there. Rejects if nobody can tell. */
  readonly depth: (queue: string) => Promise<number | undefined>;
  /** Whether what it rejected with is to be expected, as when the broker is away. */
  readonly isExpected: (error: unknown) => boolean;
  /** Milliseconds since 1970; the platform's clock, unless given. */
  readonly now?: () => number;
}

interface Seen extends Pick<QueueFigures, "waiting" | "parked"> {
  readonly settled: number;
  /** Since when it has messages and none is finished; undefined if that is not so. */
  readonly stalledSince: number | undefined;
}

/** An absent queue. */
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
  #looking: Promise<void> | undefined;
  #lookedAt = -Infinity;
  #tookMs = 0;
  /** How often it was looked since the broker could not tell. */
  #looks = 0;

  /** Looks at nothing yet. */
  constructor(options: QueueWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Watches these queues too; the first time it begins to look, soon. */
  add(channel: WatchedQueues): void {
    this.#channels.push(channel);
    this.#running ??= Promise.resolve().then(() => this.#run());
  }

  /** What was seen last of a channel's queues, by label; nothing if the broker could not tell. */
  figures(connector: string): ReadonlyMap<string, QueueFigures> {
    const seen = this.#looks === 0 ? [] : this.#seen.get(connector) ?? [];
    const now = this.#now();
    return new Map(
      [...seen].map(([label, { waiting, parked, stalledSince = now }]) => [
        label,
        { waiting, parked, stalledMs: Math.max(0, now - stalledSince) },
      ]),
    );
  }

  /** How many messages wait in each delay queue, by label; nothing if the broker could not tell. */
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

  /** Looks now, for somebody who waits for what is seen, unless that was done a moment ago or takes long. */
  async refresh(): Promise<void> {
    const freshMs = Math.max(FRESH_MS, this.#tookMs / LARGEST_PART_FRESH);
    if (performance.now() - this.#lookedAt < freshMs) return;
    await within(this.look(), REFRESH_MS);
  }

  /** Looks now. */
  look(): Promise<void> {
    const begun = performance.now();
    return this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
      this.#lookedAt = performance.now();
      this.#tookMs = this.#lookedAt - begun;
    });
  }

  async #look(): Promise<void> {
    let known = 0;
    for (const { connector, queues, isOurs } of this.#channels) {
      const before = this.#seen.get(connector) ?? new Map<string, Seen>();
      this.#seen.set(connector, before);
      for (const queue of queues) {
        if (this.#stop.signal.aborted) return;
        const seen = await this.#told(this.#lookAt(queue, before.get(queue.label)));
        const isTheirs = queue.settled !== undefined && !isOurs();
        if (seen === undefined) before.delete(queue.label);
        else before.set(queue.label, isTheirs ? { ...seen, stalledSince: undefined } : seen);
        if (seen !== undefined) known++;
      }
    }
    if (this.#looks % DELAYED_EACH === 0) await this.#lookAtDelays();
    if (known > 0) return void this.#looks++;
    this.#looks = 0;
    this.#absent.clear(); // Another server may answer next.
  }

  /** Undefined if nobody can tell, as of a queue whose node is down: others are looked at all the same. */
  async #told<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (!this.#options.isExpected(error)) throw error;
      return undefined;
    }
  }

  async #lookAt(watched: WatchedQueue, before: Seen | undefined): Promise<Seen> {
    const { queue, parkingQueue, parked: filled = () => 0, added = () => 0 } = watched;
    const waiting = await this.#options.depth(queue) ?? 0;
    const parked = parkingQueue === undefined
      ? undefined
      : await this.#depthIfThere(parkingQueue, filled());
    // How many messages came out of the queue, as well as is known, or that it got shorter.
    const settled = watched.settled?.() ?? added() - waiting;
    const isStalled = waiting > 0 && (before === undefined || settled <= before.settled);
    const stalledSince = isStalled ? before?.stalledSince ?? this.#now() : undefined;
    return { waiting, parked, settled, stalledSince };
  }

  async #lookAtDelays(): Promise<void> {
    const filled = this.#channels.reduce((sum, { delayed }) => sum + delayed(), 0);
    for (const { label, queue } of this.#options.delays) {
      if (this.#stop.signal.aborted) return;
      const count = await this.#told(this.#depthIfThere(queue, filled));
      if (count === undefined) this.#delayed.delete(label);
      else this.#delayed.set(label, count);
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
