/**
 * Looks for a message in one channel's cache, delay queues and parking queues: by its own id, by that
 * of an event about it, or by its user's address.
 *
 * @module
 */

import {
  type DeliveredNote,
  NOTHING_TOLD,
  readDelivered,
  readTold,
  type Told,
} from "../bridge/mod.ts";
import type { Broker } from "../broker/mod.ts";
import type { MessageCache, Remembered } from "../cache/mod.ts";
import { findPartitions, lookThroughWaiting, queuesOf, type WaitingMessage } from "../vumi/mod.ts";

/** What is known of a user's message. */
export interface InboundFound {
  /** Tells it from what goes to a user. */
  readonly kind: "inbound";
  /** Its id. */
  readonly id: string;
  /** As the cache has it. */
  readonly message: Remembered | undefined;
  /** That Turn has it. */
  readonly delivered: DeliveredNote | undefined;
  /** The last message to its user, if that answers it. */
  readonly reply: Remembered | undefined;
  /** Where it waits. */
  readonly waiting: readonly WaitingMessage[];
}

/** What is known of a message to a user. */
export interface OutboundFound {
  /** Tells it from what comes from a user. */
  readonly kind: "outbound";
  /** Its id. */
  readonly id: string;
  /** As the cache has it. */
  readonly message: Remembered | undefined;
  /** What it answers, if that is remembered. */
  readonly repliedTo: Remembered | undefined;
  /** When RabbitMQ confirmed it, in milliseconds since 1970, if that is noted. */
  readonly confirmedAt: number | undefined;
  /** What Turn was told of it. */
  readonly told: Told;
  /** Events about it that wait. */
  readonly waiting: readonly WaitingMessage[];
}

/** What is known of a message. */
export type Found = InboundFound | OutboundFound;

/** How many messages wait in the queues themselves; undefined if there is no such queue. */
export type Depths = Readonly<Record<"inbound" | "event" | "outbound", number | undefined>>;

/** What waits in a channel's queues, as far as it has to do with what is looked for. */
export interface Queued {
  /** In delay and parking queues. */
  readonly waiting: readonly WaitingMessage[];
  /** In the others. */
  readonly depths: Depths;
}

/** What {@linkcode searchQueues} looks through, and for what. */
export interface QueueSearch {
  /** The connector's name. */
  readonly name: string;
  /** The delays that there are queues for, in milliseconds. */
  readonly delaysMs: readonly number[];
  /** How many partitions are configured. */
  readonly partitions: number;
  /** Where the queues are. */
  readonly broker: Broker;
  /** An id or an address. */
  readonly query: string;
  /** For an event, whom it is about; undefined if it can't be looked into. */
  readonly cache: MessageCache | undefined;
}

/**
 * Looks through the queues.
 *
 * @throws {PublishError} If the broker is away or refuses.
 * @throws {CacheError} If the cache fails.
 */
export async function searchQueues(search: QueueSearch): Promise<Queued> {
  const { name, delaysMs, partitions, broker, query, cache } = search;
  const waiting: WaitingMessage[] = [];
  await lookThroughWaiting({ name, broker, delaysMs }, async (message) => {
    const { id, about, user } = message;
    const isMeant = [id, about, user].includes(query) ||
      about !== null && (await cache?.getOutbound(about))?.to_addr === query;
    if (isMeant) waiting.push(message);
  });
  const names = queuesOf(name);
  // What is in a partition waits in the queue, as far as anybody is concerned.
  const depth = async (queue: string): Promise<number | undefined> => {
    let sum = await broker.depth(queue);
    for (const one of await findPartitions(broker, queue, partitions)) {
      sum = (sum ?? 0) + (await broker.depth(one) ?? 0);
    }
    return sum;
  };
  const depths = {
    inbound: await depth(names.inbound),
    event: await depth(names.event),
    outbound: await broker.depth(names.outbound),
  };
  return { waiting, depths };
}

/**
 * Puts together what is known of each message that `query` means, in the order in which they came.
 *
 * @throws {CacheError} If the cache fails.
 */
export async function searchCache(
  query: string,
  cache: MessageCache | undefined,
  waiting: readonly WaitingMessage[],
): Promise<readonly Found[]> {
  const inbound = [await cache?.getInbound(query), await cache?.getLastInbound(query)];
  const outbound = [await cache?.getOutbound(query), await cache?.getLastOutbound(query)];
  const inboundIds = new Set([
    ...inbound.flatMap((message) => message?.message_id ?? []),
    ...waiting.flatMap(({ queue, id }) => queue === "inbound" ? id ?? [] : []),
  ]);
  const outboundIds = new Set([
    ...outbound.flatMap((message) => message?.message_id ?? []),
    ...waiting.flatMap(({ about }) => about ?? []),
  ]);
  const found: Found[] = [];
  for (const id of inboundIds) found.push(await inboundFound(id, cache, waiting));
  for (const id of outboundIds) found.push(await outboundFound(id, cache, waiting));
  return found.sort((a, b) => timeOf(a) < timeOf(b) ? -1 : 1);
}

async function inboundFound(
  id: string,
  cache: MessageCache | undefined,
  waiting: readonly WaitingMessage[],
): Promise<InboundFound> {
  const message = await cache?.getInbound(id);
  const reply = message && await cache?.getLastOutbound(message.from_addr);
  return {
    kind: "inbound",
    id,
    message,
    delivered: readDelivered(await cache?.getNote("delivered_inbound", id)),
    reply: reply?.in_reply_to === id ? reply : undefined,
    waiting: waiting.filter((one) => one.queue === "inbound" && one.id === id),
  };
}

async function outboundFound(
  id: string,
  cache: MessageCache | undefined,
  waiting: readonly WaitingMessage[],
): Promise<OutboundFound> {
  const message = await cache?.getOutbound(id);
  const confirmed = await cache?.getNote("confirmed", id);
  const inReplyTo = message?.in_reply_to ?? undefined;
  return {
    kind: "outbound",
    id,
    message,
    repliedTo: inReplyTo === undefined ? undefined : await cache?.getInbound(inReplyTo),
    confirmedAt: confirmed === undefined ? undefined : Number(confirmed),
    told: cache === undefined ? NOTHING_TOLD : readTold(await cache.getNote("told", id)),
    waiting: waiting.filter(({ about }) => about === id),
  };
}

/** vumi's timestamps are in order as texts. */
function timeOf({ message }: Found): string {
  return message?.timestamp ?? "";
}
