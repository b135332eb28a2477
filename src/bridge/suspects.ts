/**
 * Finds the message that ends the program each time it is worked on, so that it is parked instead of
 * doing so for ever. RabbitMQ says only that a message was handed out before; that we died over it
 * is what is left in the cache: a count that is written before the work and removed after it.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { CacheError, type MessageCache } from "../cache/mod.ts";

const log = getLogger(["turn-channels", "bridge"]);

/** A message that has ended the program so many times is parked. */
const GUILTY_AT = 5;
const TTL_MS = 48 * 60 * 60_000;
/** Above so many, what was put back longest ago is forgotten: somebody else has taken it. */
const MOST_CLEARED = 10_000;

/** Messages that were handed out before. */
export class Suspects {
  readonly #cache: MessageCache;
  /** What we put back ourselves, so nobody died over it, with its failed attempts. */
  readonly #cleared = new Map<string, number>();
  #alone: Promise<unknown> = Promise.resolve();

  /** Makes it; no I/O. */
  constructor(cache: MessageCache) {
    this.#cache = cache;
  }

  /** We put it back: that it comes again means nothing. */
  clear(id: string, failures: number): void {
    this.#cleared.set(id, failures);
    if (this.#cleared.size <= MOST_CLEARED) return;
    for (const oldest of this.#cleared.keys()) return void this.#cleared.delete(oldest);
  }

  /** Whether we put it back ourselves the last time. */
  isCleared(id: string): boolean {
    return this.#cleared.has(id);
  }

  /** How often it had failed when we put it back; forgotten with this. */
  takeFailures(id: string): number {
    const failures = this.#cleared.get(id) ?? 0;
    this.#cleared.delete(id);
    return failures;
  }

  /**
   * Does `work` on a message that was in work when the program, or its connection, ended; `park` if
   * that has happened too often. From the second time on one such message is worked on at a time, so
   * that the others are not blamed with it.
   *
   * @throws {CacheError} If the cache fails before the work; it is not done then.
   */
  async watch<T>(id: string, work: () => Promise<T>, park: (deaths: number) => T): Promise<T> {
    const deaths = Number(await this.#cache.getNote("suspect", id) ?? 1);
    if (deaths >= GUILTY_AT) {
      await this.#forget(id);
      return park(deaths);
    }
    const watched = async (): Promise<T> => {
      await this.#cache.putNotes([{
        kind: "suspect",
        id,
        value: String(deaths + 1),
        ttlMs: TTL_MS,
      }]);
      const result = await work();
      await this.#forget(id);
      return result;
    };
    if (deaths === 1) return await watched();
    const turn = this.#alone.then(watched, watched);
    this.#alone = turn;
    return await turn;
  }

  /** What the work came to stands, whether this is forgotten or not. */
  async #forget(id: string): Promise<void> {
    try {
      await this.#cache.deleteNote("suspect", id);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      log.warning("Still noted that {messageId} was in work when the program ended: {reason}", {
        messageId: id,
        reason: error.message,
      });
    }
  }
}
