// Tells a request that Turn repeats, because it had no answer, from one that is meant. Turn's
// requests have no id and no time, so all there is to go by is the body, and whether the first one
// was answered: while somebody is there to take the answer, an equal request is another message.

import { createHash } from "node:crypto";
import type { Sender } from "../turn/mod.ts";
import { log } from "./log.ts";
import type { BridgeOptions } from "./options.ts";
import { tolerateCacheError } from "./tolerate.ts";
import { UserOrder } from "./user_order.ts";

type IdempotencyOptions = Pick<BridgeOptions, "cache" | "dedupeWindowMs">;

/** A request that is in work; to be disposed of when it is answered. */
interface IdempotentRequest extends Disposable {
  /**
   * The id of the message that an equal request made, if that one may not have been answered.
   * @throws {CacheError} If the cache fails.
   */
  find(): Promise<string | undefined>;
  /** A message with this id was made of it. */
  accepted(id: string): Promise<void>;
}

/** Requests that were published, and may not have been answered. */
export class Idempotency {
  readonly #options: IdempotencyOptions;
  readonly #inWork = new UserOrder<undefined>();
  /** Answered, but the cache would not forget it. */
  readonly #answered = new Set<string>();

  constructor(options: IdempotencyOptions) {
    this.#options = options;
  }

  /** Takes a request after equal ones, so that it is known of each whether it was answered. */
  async begin(sender: Sender): Promise<IdempotentRequest> {
    const key = createHash("sha256").update(sender.body).digest("base64");
    await this.#inWork.enter(key, undefined);
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
        const end = (): void => this.#inWork.leave(key);
        if (!isAccepted || sender.isGone()) end();
        else void this.#forget(key).finally(end);
      },
    };
  }

  async #find(key: string): Promise<string | undefined> {
    if (this.#answered.has(key)) return undefined;
    const messageId = await this.#options.cache.getNote("answer", key);
    if (messageId !== undefined) {
      const text = "Turn repeated a request, answered as before and not sent again: {messageId}";
      log.warning(text, { messageId });
    }
    return messageId;
  }

  async #keep(key: string, messageId: string): Promise<void> {
    const { cache, dedupeWindowMs: ttlMs } = this.#options;
    const kept = cache.putNotes([{ kind: "answer", id: key, value: messageId, ttlMs }])
      .then(() => this.#answered.delete(key));
    await tolerateCacheError(kept, (reason) => {
      // It is in the queue: to refuse it now would make Turn send it a second time for sure.
      const text =
        "Could not record {messageId}; if Turn repeats the request, it is sent twice: {reason}";
      log.warning(text, { messageId, reason });
    });
  }

  async #forget(key: string): Promise<void> {
    const forgotten = this.#options.cache.deleteNote("answer", key);
    await tolerateCacheError(forgotten, () => void this.#answered.add(key));
  }
}
