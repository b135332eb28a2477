// What is in hand: taken off a queue and not yet answered. RabbitMQ closes the channel of whoever does
// not answer in time (30 minutes by default), and returns all that was in hand there. So whatever a
// message waits for, it waits in hand for a part of that time only.

import { onAbort, sleep } from "../async/mod.ts";
import type { FlowOptions } from "./options.ts";
import { WakeUp } from "./wake_up.ts";

type InFlightOptions = Pick<FlowOptions, "holdMs" | "stopping" | "after" | "elapsed">;

export class InFlight {
  readonly #options: InFlightOptions;
  /** In the order of their coming. */
  readonly #held = new Set<Held>();
  /** What is listened to already: it is the same for all messages of one AMQP channel. */
  readonly #sessions = new WeakSet<AbortSignal>();
  readonly #wakeUp: WakeUp;

  constructor(options: InFlightOptions) {
    this.#options = options;
    this.#wakeUp = new WakeUp(() => this.#endOld(), options);
    onAbort(options.stopping, () => this.#endAll(() => true));
  }

  get size(): number {
    return this.#held.size;
  }

  /** Takes a message in hand, until {@linkcode InFlight.release}. */
  take(lost: AbortSignal): Held {
    const { holdMs, elapsed } = this.#options;
    const held = new Held(this.#options, lost, elapsed() + holdMs);
    if (this.#held.size === 0) this.#wakeUp.set(holdMs);
    this.#held.add(held);
    if (!this.#sessions.has(lost)) {
      this.#sessions.add(lost);
      onAbort(lost, () => this.#endAll((held) => held.lost === lost));
    }
    return held;
  }

  release(held: Held): void {
    this.#held.delete(held);
    if (this.#held.size === 0) this.#wakeUp.clear();
  }

  #endAll(isMeant: (held: Held) => boolean): void {
    for (const held of this.#held) if (isMeant(held)) held.endWaiting();
  }

  #endOld(): void {
    const now = this.#options.elapsed();
    for (const held of this.#held) {
      if (held.end > now) return this.#wakeUp.set(held.end - now);
      held.endWaiting();
    }
  }
}

export class Held {
  /** Fires when it can't be answered any more. */
  readonly lost: AbortSignal;
  /** When its time is over. */
  readonly end: number;
  readonly #options: InFlightOptions;
  /** Made only when somebody waits: most messages never do. */
  #waiting: AbortController | undefined;

  constructor(options: InFlightOptions, lost: AbortSignal, end: number) {
    this.#options = options;
    this.lost = lost;
    this.end = end;
  }

  /** Whether it goes, or has gone, back to its queue: we are stopping, or it is lost. */
  get isBack(): boolean {
    return this.#options.stopping.aborted || this.lost.aborted;
  }

  /** Whether nothing more is to be begun: it goes back, or its time is over. */
  get isOver(): boolean {
    return this.isBack || this.#options.elapsed() >= this.end;
  }

  get over(): AbortSignal {
    this.#waiting ??= new AbortController();
    if (this.isOver) this.#waiting.abort();
    return this.#waiting.signal;
  }

  /** Waits for so long, or until it is over. */
  wait(ms: number): Promise<void> {
    return sleep(ms, this.over, this.#options.after);
  }

  /** Ends its waits. */
  endWaiting(): void {
    this.#waiting?.abort();
  }
}
