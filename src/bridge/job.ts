// What is to be delivered to Turn: a message or an event that was taken off a queue.

import type { MessageCache, Remembered } from "../cache/mod.ts";

export interface Job {
  /** Its own id, the same each time it comes. */
  readonly id: string;
  /** What has the same key stays in order. */
  readonly key: string;
  /** Turn is not told of it while one of the same key and of higher rank waits; 0 if always told. */
  readonly rank: number;
  /** What logs call it. */
  readonly names: Readonly<Record<string, string>> & { readonly messageId: string };
  /** How long after the first failure it is worth trying, in milliseconds. */
  readonly retryForMs: number;
  /** When vumi queued it, in milliseconds since 1970. */
  readonly queuedAt: number;
  /** Whom it is about, as far as its flow knows when it comes. */
  readonly subject: Subject;
}

/** The user, and for an event its message; or, while that is not known, the ids to look it up by. */
export type Subject =
  | { readonly user: string; readonly about?: string }
  | { readonly sentIds: readonly [string, ...string[]] };

/**
 * The message to a user that is remembered under the first of these ids.
 * @throws {CacheError} If the cache fails.
 */
export async function findSent(
  cache: MessageCache,
  ids: readonly string[],
): Promise<Remembered | undefined> {
  for (const id of ids) {
    const message = await cache.getOutbound(id);
    if (message !== undefined) return message;
  }
  return undefined;
}
