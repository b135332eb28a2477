/**
 * Tells a request that Turn repeats, because it had no answer, from one that is meant. Turn's
 * requests have no id and no time, so all there is to go by is the body, and whether the first one
 * was answered: while somebody is there to take the answer, an equal request is another message.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import { CacheError, type MessageCache } from "../cache/mod.ts";
import type { Acceptance, Sender } from "../turn/mod.ts";

const log = getLogger(["turn-channels", "bridge"]);

/** What {@linkcode Idempotency} is made of. */
export interface IdempotencyOptions {
  /** What was answered. */
  readonly cache: MessageCache;
  /** How long a request that may not have been answered is remembered, in milliseconds. */
  readonly windowMs: number;
}

/** Requests that were published, and may not have been answered. */
export class Idempotency {
  readonly #options: IdempotencyOptions;
  /** The end of the request with this body that is in work. */
  readonly #inWork = new Map<string, Promise<void>>();
  /** Answered, but the cache would not forget it. */
  readonly #answered = new Set<string>();

  /** Makes it; no I/O. */
  constructor(options: IdempotencyOptions) {
    this.#options = options;
  }

  /**
   * Publishes, or answers what the same request would have been answered before. Equal requests are
   * taken one after the other, so that it is known of each whether it was answered.
   *
   * @throws {CacheError} If the cache fails; nothing is published then.
   */
  async take(sender: Sender, publish: () => Promise<Acceptance>): Promise<Acceptance> {
    const key = createHash("sha256").update(sender.body).digest("base64");
    for (let first = this.#inWork.get(key); first !== undefined; first = this.#inWork.get(key)) {
      await first;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#inWork.set(key, promise);
    const end = (): void => {
      this.#inWork.delete(key);
      resolve();
    };
    try {
      const acceptance = await this.#takeAlone(key, publish);
      if (acceptance.kind !== "accepted" || sender.isGone()) end();
      else void this.#forget(key).finally(end);
      return acceptance;
    } catch (error) {
      end();
      throw error;
    }
  }

  async #takeAlone(key: string, publish: () => Promise<Acceptance>): Promise<Acceptance> {
    const { cache, windowMs } = this.#options;
    const id = this.#answered.has(key) ? undefined : await cache.getNote("answer", key);
    if (id !== undefined) {
      log.warning("A request was repeated, and is answered as the first one: {messageId}", {
        messageId: id,
      });
      return { kind: "accepted", id };
    }
    const acceptance = await publish();
    if (acceptance.kind !== "accepted") return acceptance;
    try {
      await cache.putNotes([{ kind: "answer", id: key, value: acceptance.id, ttlMs: windowMs }]);
      this.#answered.delete(key);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      // It is in the queue: to refuse it now would make Turn send it a second time for sure.
      log.warning("A repetition of {messageId} would not be noticed: {reason}", {
        messageId: acceptance.id,
        reason: error.message,
      });
    }
    return acceptance;
  }

  async #forget(key: string): Promise<void> {
    try {
      await this.#options.cache.deleteNote("answer", key);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      this.#answered.add(key);
    }
  }
}
