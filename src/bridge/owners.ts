// Which connector's message it is: what a channel sends by another one's transport may have its events
// on that one's queue. All channels, and all bridges with the same cache, look here.

import type { MessageCache } from "../cache/mod.ts";
import { DELIVERED_TTL_MS } from "./delivery_records.ts";

/** Who has sent what. */
export class Owners {
  readonly #cache: MessageCache;

  /**
   * Looks in what all share.
   * @param cache Nothing else of what is kept in it is looked at.
   */
  constructor(cache: MessageCache) {
    this.#cache = cache;
  }

  /**
   * Keeps whose message the one with this id is.
   * @throws {CacheError} If the cache fails.
   */
  put(messageId: string, connector: string): Promise<void> {
    const note = {
      kind: "owner",
      id: messageId,
      value: connector,
      ttlMs: DELIVERED_TTL_MS,
    } as const;
    return this.#cache.putNotes([note]);
  }

  /**
   * The connector whose message it is, if that is known.
   * @throws {CacheError} If the cache fails.
   */
  of(messageId: string): Promise<string | undefined> {
    return this.#cache.getNote("owner", messageId);
  }
}
