// Finds the message that ends the program each time it is worked on, so that it can be parked. RabbitMQ
// says only that a message was handed out before; that we died over it is what is left in the cache:
// a count that is raised before the work, lowered after it, and removed when the message is answered.
// One that only waits, for days perhaps, is not blamed for what ends us.
//
// A cache in memory ends with us, and the count with it: there such a message is not found. A header can't
// count in its place: it is changed by a copy before the work, and the copy comes back among all others
// that were in hand, which would be blamed, and parked, with it.

import type { MessageCache } from "../cache/mod.ts";
import { log } from "./log.ts";
import { tolerateCacheError } from "./tolerate.ts";
import { UserOrder } from "./user_order.ts";

/** A message that has ended the program so many times is parked. */
export const POISON_AT = 5;
const TTL_MS = 48 * 60 * 60_000;
/** Above so many, what was put back longest ago is forgotten: somebody else has taken it. */
const MOST_RELEASED = 10_000;

/** What is known of a message that we have put back, or sent to the end of its queue. */
interface Released {
  readonly failures: number;
  readonly firstFailureAt?: number | undefined;
  readonly isBegun: boolean;
}

export class PoisonMessages {
  readonly #cache: MessageCache;
  /** What we put back ourselves, so nobody died over it. */
  readonly #released = new Map<string, Released>();
  /** All of one key: those that are worked on alone. */
  readonly #alone = new UserOrder<undefined>();

  constructor(cache: MessageCache) {
    this.#cache = cache;
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

  /**
   * How often we have ended with it in work: once, as far as is known of one that was in hand then.
   * @throws {CacheError} If the cache fails.
   */
  async crashes(id: string): Promise<number> {
    return Number(await this.#cache.getNote("suspect", id) ?? 1);
  }

  /**
   * Watches the work on a message that was in work when the program, or its connection, ended: should
   * it end again before the answer is disposed of, that counts. From the second time on one such message
   * is worked on at a time, so that the others are not blamed with it.
   * @throws {CacheError} If the cache fails; the work is not to be begun then.
   */
  async watch(id: string, crashes: number): Promise<AsyncDisposable> {
    await using watch = new AsyncDisposableStack();
    if (crashes > 1) {
      await this.#alone.enter("", undefined);
      watch.defer(() => this.#alone.leave(""));
    }
    await this.#note(id, crashes + 1);
    watch.defer(() => tidy(id, this.#note(id, crashes)));
    return watch.move();
  }

  async forget(id: string): Promise<void> {
    await tidy(id, this.#cache.deleteNote("suspect", id));
  }

  #note(id: string, crashes: number): Promise<void> {
    const value = String(crashes);
    return this.#cache.putNotes([{ kind: "suspect", id, value, ttlMs: TTL_MS }]);
  }
}

/** Tolerates a cache that fails: what the work came to stands. */
async function tidy(messageId: string, work: Promise<void>): Promise<void> {
  await tolerateCacheError(work, (reason) => {
    const text =
      "Could not remove the record that {messageId} was in work when the program ended: {reason}";
    log.warning(text, { messageId, reason });
  });
}
