// Finds the message that ends the program each time it is worked on, so that it can be parked. RabbitMQ
// says only that a message was handed out before; that we died over it is told by a count that is raised
// before the work, lowered after it, and removed when the message is answered. One that only waits, for
// days perhaps, is not blamed for what ends us.

import type { CrashCounts } from "./crash_counts.ts";
import { UserOrder } from "./user_order.ts";

/** A message that has ended the program so many times is parked. */
export const POISON_AT = 5;
/** Above so many, what was put back longest ago is forgotten: somebody else has taken it. */
const MOST_RELEASED = 10_000;

/** What is known of a message that we have put back, or sent to the end of its queue. */
interface Released {
  readonly failures: number;
  readonly firstFailureAt?: number | undefined;
  readonly isBegun: boolean;
}

export class PoisonMessages {
  readonly #counts: CrashCounts;
  /** What we put back ourselves, so nobody died over it. */
  readonly #released = new Map<string, Released>();
  /** All of one key: those that are worked on alone. */
  readonly #alone = new UserOrder<undefined>();

  constructor(counts: CrashCounts) {
    this.#counts = counts;
  }

  /** Remembers that we put it back ourselves, so that its coming again is not taken for a crash. */
  release(id: string, released: Released): void {
    this.#released.set(id, released);
    if (this.#released.size <= MOST_RELEASED) return;
    const [oldest = id] = this.#released.keys();
    this.#released.delete(oldest);
  }

  /** What is known of it if we put it back ourselves the last time; then it is forgotten. */
  takeReleased(id: string): Released | undefined {
    const released = this.#released.get(id);
    this.#released.delete(id);
    return released;
  }

  /** How often we have ended with it in work: once, as far as is known of one that was in hand then. */
  crashes(id: string): number {
    return this.#counts.of(id);
  }

  /**
   * Watches the work on a message that was in work when the program, or its connection, ended: should
   * it end again before the answer is disposed of, that counts. From the second time on one such message
   * is worked on at a time, so that the others are not blamed with it.
   */
  async watch(id: string, crashes: number): Promise<AsyncDisposable> {
    await using watch = new AsyncDisposableStack();
    if (crashes > 1) {
      await this.#alone.enter("", undefined);
      watch.defer(() => this.#alone.leave(""));
    }
    await this.#counts.set(id, crashes + 1);
    watch.defer(() => this.#counts.set(id, crashes));
    return watch.move();
  }

  async forget(id: string): Promise<void> {
    await this.#counts.forget(id);
  }
}
