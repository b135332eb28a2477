// Events about a screen that has shown several of Turn's messages: the transport knows one of them, and
// Turn is told of each.

import type { MessageCache, Remembered } from "../cache/mod.ts";
import { type Connector, type Event, isOurs } from "../vumi/mod.ts";
import { findSent } from "./job.ts";
import { pageId, type PartId } from "./part_ids.ts";

/**
 * The ids of all that was shown on a message's screen, the one first that the transport knows.
 * @throws {CacheError} If the cache fails.
 */
export async function shownWith(
  cache: MessageCache,
  { message_id, transport_type }: Remembered,
): Promise<readonly string[]> {
  if (transport_type !== "ussd") return [];
  const ids = await cache.getRecord("screen", message_id);
  return ids === undefined ? [] : JSON.parse(ids);
}

/**
 * A message of which no more is known than the screen that has shown it.
 * @throws {CacheError} If the cache fails.
 */
export async function findShown(cache: MessageCache, id: string): Promise<Remembered | undefined> {
  const ids = await cache.getRecord("screen", id);
  const [first = id]: string[] = ids === undefined ? [] : JSON.parse(ids);
  const message = first === id ? undefined : await findSent(cache, [first]);
  return message && { ...message, message_id: id };
}

/**
 * Puts the same event into our queue for each other message on its screen, as Turn may refuse one.
 * @throws {PublishError} If RabbitMQ does not take it.
 */
export async function tellOfOthers(
  connector: Connector,
  [, ...others]: readonly string[],
  event: Event,
  part: PartId | undefined,
): Promise<void> {
  // They are about the one message.
  if (isOurs(event) || part?.kind === "notice") return;
  for (const id of others) {
    const event_id = `${event.event_id}:${id}`;
    const user_message_id = part === undefined ? id : pageId(id, part.nth);
    await connector.forward({ ...event, event_id, user_message_id }, connector.name);
  }
}
