/**
 * Tells a request that Turn repeats, because it had no answer, from one that is meant. Turn's
 * requests have no id and no time, so all there is to go by is the body, and whether the first one
 * was answered: while somebody is there to take the answer, an equal request is another message.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import { CacheError } from "../cache/mod.ts";
import type { Sender } from "../turn/mod.ts";
import type { BridgeOptions } from "./options.ts";

const log = getLogger(["turn-channels", "bridge"]);

/** Requests that were published, and may not have been answered. */
export class Idempotency {
  readonly #options: Pick<BridgeOptions, "cache" | "dedupeWindowMs">;
  /** The end of the request with this body that is in work. */
  readonly #inWork = new Map<string, Promise<void>>();
  /** Answered, but the cache would not forget it. */
  readonly #answered = new Set<string>();

  constructor(options: Pick<BridgeOptions, "cache" | "dedupeWindowMs">) {
    this.#options = options;
  }

  /**
   * Takes a request. Equal ones are taken one after the other, so that it is known of each whether it
   * was answered; the next one is, when this one is disposed of.
   */
  async begin(sender: Sender): Promise<IdempotentRequest> {
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
    let isAccepted = false;
    return {
      find: async (): Promise<string | undefined> => {
        const id = await this.#find(key);
        isAccepted = id !== undefined;
        return id;
      },
      accepted: async (id: string): Promise<void> => {
        await this.#keep(key, id);
        isAccepted = true;
      },
      [Symbol.dispose]: (): void => {
        if (!isAccepted || sender.isGone()) end();
        else void this.#forget(key).finally(end);
      },
    };
  }

  async #find(key: string): Promise<string | undefined> {
    if (this.#answered.has(key)) return undefined;
    const id = await this.#options.cache.getNote("answer", key);
    if (id !== undefined) {
      log.warning("A request was repeated, and is answered as the first one: {messageId}", {
        messageId: id,
      });
    }
    return id;
  }

  async #keep(key: string, id: string): Promise<void> {
    const { cache, dedupeWindowMs: ttlMs } = this.#options;
    try {
      await cache.putNotes([{ kind: "answer", id: key, value: id, ttlMs }]);
      this.#answered.delete(key);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      // It is in the queue: to refuse it now would make Turn send it a second time for sure.
      log.warning("A repetition of {messageId} would not be noticed: {reason}", {
        messageId: id,
        reason: error.message,
      });
    }
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

/** A request that is in work; to be disposed of when it is answered. */
export interface IdempotentRequest extends Disposable {
  /**
   * The id of the message that an equal request made, if that one may not have been answered.
   *
   * @throws {CacheError} If the cache fails.
   */
  find(): Promise<string | undefined>;
  /** A message with this id was made of it. */
  accepted(id: string): Promise<void>;
}
