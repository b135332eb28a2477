// Searches one channel's cache and parking queues for a message: by its own id, by that of an event
// about it, or by its user's address. The cache has records of what waits in delay queues.

import {
  delayedListId,
  delayedNoteId,
  type DelayedRecord,
  eventKey,
  keptMeaning,
  NOTHING_TOLD,
  readDelayed,
  readDelayedList,
  readDelivered,
  readPartId,
  readSms,
  readToldRecord,
} from "../bridge/mod.ts";
import { type MessageCache, type Remembered, UserAddresses } from "../cache/mod.ts";
import { queuesOf } from "../vumi/mod.ts";
import { isIn, type SessionFound, sessionFound } from "./find_session.ts";
import { isDelayed, isInbound, type Waiting } from "./find_waiting.ts";
import { type ParkedBroker, type ParkedMessage, ParkedMessages } from "./parked_messages.ts";

export { isOwnId } from "../bridge/mod.ts";

export type InboundFound = Awaited<ReturnType<typeof inboundFound>>;

export type OutboundFound = Awaited<ReturnType<typeof outboundFound>>;

export type Found = InboundFound | OutboundFound | SessionFound;

/** How many messages are in the queues; undefined if there is no such queue. */
export type Depths = Readonly<
  Record<"inbound" | "event" | "outbound" | "held" | "heldSms", number | undefined>
>;

/** How far back a user's messages are listed. */
export const LOOK_BACK_MS: number = 24 * 60 * 60_000;

export type Queued = Awaited<ReturnType<typeof searchQueues>>;

/**
 * Searches a connector's parking queues for an id or an address.
 * @param addresses How the channel's are read.
 * @throws {PublishError} If the broker is away or refuses.
 */
export async function searchQueues(
  connector: string,
  broker: ParkedBroker,
  query: string,
  addresses: UserAddresses = new UserAddresses(),
) {
  /** What may match: of which user an event is, only the cache knows. */
  const parked: ParkedMessage[] = [];
  // The cache is asked afterwards: during the listing nobody else can have what is parked.
  await new ParkedMessages([connector], broker).list({}, (message) => {
    const { id, about, user } = message;
    if (about !== null || id === query || isUser(user, query, addresses)) parked.push(message);
  });
  const { inbound, event, outbound, held, heldSms } = queuesOf(connector);
  const depths: Depths = {
    inbound: await broker.depth(inbound),
    event: await broker.depth(event),
    outbound: await broker.depth(outbound),
    held: await broker.depth(held),
    heldSms: await broker.depth(heldSms),
  };
  return { parked, depths };
}

/**
 * Collects what is known of each message that matches `idOrAddress`, in the order in which they came;
 * then of USSD sessions: of the user's last one, or of the one that the message was in. Of a user it is
 * what came and went within {@linkcode LOOK_BACK_MS} before `now`, and the last of each, however old.
 * @param mayBeParked What {@linkcode searchQueues} has found.
 * @throws {CacheError} If the cache fails.
 */
export async function searchCache(
  idOrAddress: string,
  cache: MessageCache | undefined,
  mayBeParked: readonly ParkedMessage[],
  now: number = Date.now(),
): Promise<readonly Found[]> {
  // Of a page, or of one of several SMS, it is the whole message that there is something to say about.
  const query = readPartId(idOrAddress)?.of ?? idOrAddress;
  const parked: ParkedMessage[] = [];
  for (const message of mayBeParked) {
    const { id, about, user } = message;
    const matches = [id, about].includes(query) || isUser(user, query, cache?.addresses) ||
      about !== null && isUser((await cache?.getOutbound(about))?.to_addr, query, cache?.addresses);
    if (matches) parked.push(message);
  }
  const since = now - LOOK_BACK_MS;
  const lastInbound = await cache?.getLastInbound(query);
  const lastOutbound = await cache?.getLastOutbound(query);
  // To look at all that is kept takes time, and there is nothing of somebody of whom there is no last one.
  const inbound = [
    ...[await cache?.getInbound(query), lastInbound],
    ...lastInbound && await cache?.ofUser("inbound", query, since) || [],
  ];
  const outbound = [
    ...[await cache?.getOutbound(query), lastOutbound],
    ...lastOutbound && await cache?.ofUser("outbound", query, since) || [],
  ];
  const delayed = cache === undefined ? [] : await delayedOf(query, cache);
  const waiting: readonly Waiting[] = [...delayed, ...parked];
  const inboundIds = new Set([
    ...inbound.flatMap((message) => message?.message_id ?? []),
    ...waiting.filter(isInbound).flatMap(({ id }) => id ?? []),
  ]);
  const outboundIds = new Set([
    ...outbound.flatMap((message) => message?.message_id ?? []),
    ...waiting.flatMap(({ about }) => about ?? []),
  ]);
  const found: (InboundFound | OutboundFound)[] = [];
  for (const id of inboundIds) found.push(await inboundFound(id, waiting, cache));
  for (const id of outboundIds) found.push(await outboundFound(id, waiting, cache));
  found.sort((a, b) => timeOf(a) < timeOf(b) ? -1 : 1);
  return [...found, ...await sessionsOf(query, found, cache)];
}

/** The session of the user with this address, or those in which the messages were. */
async function sessionsOf(
  query: string,
  messages: readonly (InboundFound | OutboundFound)[],
  cache: MessageCache | undefined,
): Promise<readonly SessionFound[]> {
  if (cache === undefined) return [];
  const ofUser = await sessionFound(query, cache);
  if (ofUser !== undefined) return [ofUser];
  const sessions = new Map<string, SessionFound>();
  for (const { id, message, session } of messages) {
    const about = [id, message?.in_reply_to ?? ""];
    if (session !== undefined && isIn(session, about)) sessions.set(session.user, session);
  }
  return [...sessions.values()];
}

/** What is in delay queues by the cache's records: of a message, an event, a user, or about a message. */
async function delayedOf(query: string, cache: MessageCache): Promise<readonly DelayedRecord[]> {
  const ids = new Set([delayedNoteId("inbound", query), delayedNoteId("status", query)]);
  // Also about the user's latest message.
  const sent = await cache.getLastOutbound(query);
  // What is said of a screen is said of all messages that it shows.
  const screen = readScreen(await cache.getRecord("screen", query));
  const abouts = [query, ...screen.slice(0, 1), ...(sent === undefined ? [] : [sent.message_id])];
  for (const of of [{ user: cache.addresses.key(query) }, ...abouts.map((about) => ({ about }))]) {
    const list = readDelayedList(await cache.getNote("delayed_list", delayedListId(of)));
    for (const { flow, id } of list) ids.add(delayedNoteId(flow, id));
  }
  const notes = await Array.fromAsync(ids, (id) => cache.getNote("delayed", id));
  return notes.flatMap((note) => readDelayed(note) ?? []);
}

async function inboundFound(id: string, waiting: readonly Waiting[], cache?: MessageCache) {
  const message = await cache?.getInbound(id);
  const latest = message && await cache?.getLastOutbound(message.from_addr);
  const delivered = readDelivered(await cache?.getNote("delivered_inbound", id));
  const own = waiting.filter((one) => isInbound(one) && one.id === id);
  return {
    kind: "inbound" as const,
    id,
    message,
    delivered,
    /** What it meant, if not what it says. */
    meaning: cache && await keptMeaning(cache, id),
    /** The latest message to its user, if that answers it. */
    reply: latest?.in_reply_to === id ? latest : undefined,
    session: await sessionOf(message, message?.from_addr, cache),
    waiting: withoutFinished(own, ({ until }) => (delivered?.at ?? 0) >= until),
  };
}

async function outboundFound(id: string, waiting: readonly Waiting[], cache?: MessageCache) {
  const message = await cache?.getOutbound(id);
  const confirmed = await cache?.getNote("confirmed", id);
  const inReplyTo = message?.in_reply_to ?? undefined;
  const told = cache === undefined ? NOTHING_TOLD : readToldRecord(await cache.getNote("told", id));
  const screen = readScreen(await cache?.getRecord("screen", id));
  const [shownAs = id] = screen;
  const about = waiting.filter((one) => one.about === id || one.about === shownAs);
  const isDone = ({ id }: DelayedRecord): boolean =>
    told.events.some((event) => event.id === eventKey(id));
  return {
    kind: "outbound" as const,
    id,
    message,
    repliedTo: inReplyTo === undefined ? undefined : await cache?.getInbound(inReplyTo),
    /** When RabbitMQ confirmed it, in milliseconds since 1970; the note of what went another way has 0. */
    confirmedAt: Number(confirmed) || undefined,
    told,
    /** How it is sent again, if it is an SMS of which nothing was heard but that it was throttled. */
    unacked: readSms(await cache?.getRecord("unacked", id)),
    /** What the phone was shown, as JSON, if that is not what Turn sent. */
    shown: await cache?.getRecord("shown", shownAs),
    /** The messages that one screen has shown with it, itself too; none if it was alone. */
    screen,
    session: await sessionOf(message, message?.to_addr, cache),
    waiting: withoutFinished(about, isDone),
  };
}

function readScreen(record: string | undefined): readonly string[] {
  return record === undefined ? [] : JSON.parse(record);
}

/** The session in which a message was, or else its user's last one; only of USSD. */
async function sessionOf(
  message: Remembered | undefined,
  user: string | undefined,
  cache: MessageCache | undefined,
): Promise<SessionFound | undefined> {
  if (message?.transport_type !== "ussd" || user === undefined) return undefined;
  if (cache === undefined) return undefined;
  return await sessionFound(user, cache, [message.message_id, message.in_reply_to ?? ""]);
}

function isUser(
  address: string | null | undefined,
  query: string,
  addresses: UserAddresses = new UserAddresses(),
): boolean {
  return typeof address === "string" && addresses.key(address) === addresses.key(query);
}

/** A record may outlive its delay if the bridge was killed: then the message is parked, or Turn has it. */
function withoutFinished(waiting: readonly Waiting[], isDone: (record: DelayedRecord) => boolean) {
  const parked = new Set(waiting.filter((one) => !isDelayed(one)).map(({ id }) => id));
  return waiting.filter((one) => !isDelayed(one) || !parked.has(one.id) && !isDone(one));
}

/** vumi's timestamps sort as text. */
function timeOf({ message }: InboundFound | OutboundFound): string {
  return message?.timestamp ?? "";
}
