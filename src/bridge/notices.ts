// Messages that wait for the user's next dial, of which an SMS, a notice, has said only that there are some:
// Turn is told of each that it is sent when that SMS is.

import { CacheError, type KeptRecord, type MessageCache } from "../cache/mod.ts";
import { PublishError } from "../vumi/mod.ts";
import { readToldRecord } from "./delivery_records.ts";
import type { HeldMessage } from "./held_messages.ts";
import { log } from "./log.ts";
import type { BridgeOptions } from "./options.ts";

/** What a user is shown with the next dial, as it is kept. */
export interface Pending {
  /** In the order of their coming. */
  readonly messages: readonly HeldMessage[];
  /** When the user was told that there are some, in milliseconds since 1970; 0 if never. */
  readonly noticedAt: number;
  /** The id of the message for which that was, if that waits, too. */
  readonly noticeOf?: string | undefined;
}

/** How long they wait: 30 days. */
const PENDING_TTL_MS = 30 * 24 * 60 * 60_000;

/** The change that keeps what a user is to be shown. */
export function keepPending(user: string, pending: Pending): KeptRecord {
  return { kind: "pending", id: user, value: JSON.stringify(pending), ttlMs: PENDING_TTL_MS };
}

/** Reads what was kept. */
export function readPending(value: string | undefined): Pending | undefined {
  return value === undefined ? undefined : JSON.parse(value);
}

/**
 * Whether Turn was told anything of the message with this id, as it is of one when its notice is sent.
 * @throws {CacheError} If the cache fails.
 */
export async function isAnnounced(cache: MessageCache, id: string | undefined): Promise<boolean> {
  if (id === undefined) return false;
  return readToldRecord(await cache.getNote("told", id)).events.length > 0;
}

/**
 * Something was heard of the notice for the message with this id. If that is sent, Turn is told so of those,
 * too, that have come since.
 */
export async function noticeHeard(
  options: Pick<BridgeOptions, "cache" | "connector">,
  id: string,
): Promise<void> {
  try {
    await announceOthers(options, id);
  } catch (error) {
    if (!(error instanceof CacheError || error instanceof PublishError)) throw error;
    // They are told of when they are shown.
    log.warning("Could not tell that what came after {messageId} is sent: {reason}", {
      messageId: id,
      reason: error.message,
    });
  }
}

async function announceOthers(
  { cache, connector }: Pick<BridgeOptions, "cache" | "connector">,
  id: string,
): Promise<void> {
  if (!await isAnnounced(cache, id)) return;
  const user = (await cache.getOutbound(id))?.to_addr;
  if (user === undefined) return;
  const kept = readPending(await cache.getRecord("pending", user));
  if (kept?.noticeOf !== id) return;
  const since = kept.messages.slice(kept.messages.findIndex((message) => message.id === id) + 1);
  for (const other of since) {
    if (!await isAnnounced(cache, other.id)) await connector.reportSent(other.id);
  }
}
