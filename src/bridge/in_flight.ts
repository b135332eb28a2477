/**
 * What is in hand: taken off a queue and not yet answered. RabbitMQ closes the channel of whoever does
 * not answer in time (30 minutes, unless it is configured otherwise), and returns all that was in hand
 * there. So whatever a message waits for, it waits in hand for a part of that time only.
 *
 * @module
 */

import { WakeUp, type WakeUpOptions } from "./wake_up.ts";
import { type After, afterMs, sleep } from "../async/mod.ts";

/** What a {@linkcode InFlight} is made of. */
export interface InFlightOptions extends WakeUpOptions {
  /** Longest that a message stays in hand waiting, in milliseconds. */
  readonly holdMs: number;
  /** Fires when nothing new is to be begun. */
  readonly stopping: AbortSignal;
}

/** The messages of one flow that are in hand. */
export class InFlight {
  readonly #options: InFlightOptions;
  readonly #elapsed: () => number;
  /** The one that came first first. */
  readonly #held = new Set<Held>();
  /** What tells that messages are lost: the same for all of one channel. */
  readonly #sessions = new WeakSet<AbortSignal>();
  readonly #alarm: WakeUp;

  /** Empty. */
  constructor(options: InFlightOptions) {
    const { elapsed = () => performance.now(), stopping } = options;
    this.#options = options;
    this.#elapsed = elapsed;
    this.#alarm = new WakeUp(() => this.#look(), options);
    stopping.addEventListener("abort", () => this.#endAll(() => true), { once: true });
  }

  /** A message has come. It is to be given back by {@linkcode InFlight.release}. */
  take(lost: AbortSignal): Held {
    const { holdMs, stopping, after = afterMs } = this.#options;
    const end = this.#elapsed() + holdMs;
    const held = new Held({ stopping, lost, end, elapsed: this.#elapsed, after });
    if (this.#held.size === 0) this.#alarm.set(holdMs);
    this.#held.add(held);
    if (!this.#sessions.has(lost)) {
      this.#sessions.add(lost);
      const end = (): void => this.#endAll((held) => held.lost === lost);
      lost.addEventListener("abort", end, { once: true });
    }
    return held;
  }

  /** It is answered. */
  release(held: Held): void {
    this.#held.delete(held);
    if (this.#held.size === 0) this.#alarm.clear();
  }

  #endAll(isMeant: (held: Held) => boolean): void {
    for (const held of this.#held) if (isMeant(held)) held.tell();
  }

  #look(): void {
    const now = this.#elapsed();
    for (const held of this.#held) {
      if (held.end > now) return this.#alarm.set(held.end - now);
      held.tell();
    }
  }
}

interface HeldOptions {
  readonly stopping: AbortSignal;
  readonly lost: AbortSignal;
  readonly end: number;
  readonly elapsed: () => number;
  readonly after: After;
}

/** A message in hand. */
export class Held {
  readonly #options: HeldOptions;
  /** Made only when somebody waits: most messages never do. */
  #waiting: AbortController | undefined;

  /** Made by {@linkcode InFlight.take}. */
  constructor(options: HeldOptions) {
    this.#options = options;
  }

  /** When its time is over, on the hand's clock. */
  get end(): number {
    return this.#options.end;
  }

  /** Fires when it can't be answered any more. */
  get lost(): AbortSignal {
    return this.#options.lost;
  }

  /** Whether it goes, or has gone, back to its queue: we are stopping, or it is lost. */
  get isBack(): boolean {
    return this.#options.stopping.aborted || this.#options.lost.aborted;
  }

  /** Whether nothing more is to be begun: it goes back, or its time is over. */
  get isOver(): boolean {
    return this.isBack || this.#options.elapsed() >= this.#options.end;
  }

  /** Fires when it {@linkcode Held.isOver}. */
  get over(): AbortSignal {
    this.#waiting ??= new AbortController();
    if (this.isOver) this.#waiting.abort();
    return this.#waiting.signal;
  }

  /** Waits, but not for what is over. */
  wait(ms: number): Promise<void> {
    return sleep(ms, this.over, this.#options.after);
  }

  /** It is over: tells whoever waits. */
  tell(): void {
    this.#waiting?.abort();
  }
}
