// What is known of a message as a story in plain words: what became of it, when, and where it is now.
// No I/O: find_search.ts searches.

import * as z from "zod";
import { parseFields } from "../async/mod.ts";
import {
  DELIVERED_TTL_MS,
  type Meaning,
  type Said,
  type SessionStep,
  type UssdOptions,
} from "../bridge/mod.ts";
import { queuesOf, unixMilliseconds } from "../vumi/mod.ts";
import type { Depths, Found, InboundFound, OutboundFound } from "./find_search.ts";
import { heldWords, inSession, isHeld, list, sessionStory } from "./find_session.ts";
import { failuresOf, isDelayed, placeOf, throttledWords, waitingState } from "./find_waiting.ts";
import type { ParkedMessage } from "./parked_messages.ts";

export interface Step {
  /** ISO 8601; null if it is not known. */
  readonly at: string | null;
  readonly text: string;
  /** Of a session: what happened, in a word, and to which messages. */
  readonly what?: SessionStep["what"];
  readonly ids?: readonly string[];
}

/** When it was: milliseconds since 1970, or a timestamp of vumi's or in ISO 8601. */
export type Dated = readonly [at: number | string | undefined, text: string];

type State =
  | "delivered"
  /** It waits for the screen that shows it. */
  | "held"
  | "delayed"
  | "parked"
  | "sent"
  /** It did not reach the user, as the transport reported. */
  | "failed"
  /** In its queue or in work, or not known. Of a session: the user waits for a screen. */
  | "open"
  /** Of a session: what its screen waits for, or that it is over. */
  | "holding"
  | "resuming"
  | "answered"
  | "over";

export interface Story {
  readonly connector: string;
  readonly kind: Found["kind"];
  /** Of a session the user's address. */
  readonly id: string;
  readonly user: string | null;
  readonly steps: readonly Step[];
  readonly state: State;
  /** Where it is in words, with what can be done. */
  readonly now: readonly string[];
  /** Of a session: how many messages the user's next dial shows first. */
  readonly pending?: number;
  /**
   * If it was asked for: what the user wrote, if that is parked; what the phone has shown, in parts; of a
   * session what it has asked last, and the messages that the next dial shows.
   */
  readonly content?: unknown;
}

export interface Surroundings {
  readonly connector: string;
  readonly depths: Depths | undefined;
  readonly hasCache: boolean;
  readonly now: number;
  /** Whether what users wrote, and what phones have shown, may be shown. */
  readonly content: boolean;
  /** How the channel's USSD sessions go on. */
  readonly ussd: UssdOptions;
}

export function storyOf(found: Found, around: Surroundings): Story {
  switch (found.kind) {
    case "inbound":
      return inboundStory(found, around);
    case "outbound":
      return outboundStory(found, around);
    case "session":
      return sessionStory(found, around);
  }
}

function inboundStory(found: InboundFound, around: Surroundings): Story {
  const { id, message, delivered, meaning, reply, waiting } = found;
  const parked = waiting.find((one): one is ParkedMessage => !isDelayed(one));
  const known = message ?? (parked && fieldsSchema.parse(parseFields(parked.body)));
  const timeline: Dated[] = [];
  if (known !== undefined) {
    const { timestamp, from_addr, to_addr } = known;
    timeline.push([timestamp, `came from ${from_addr} to ${to_addr}, ${carrier(known)}`]);
  }
  if (message === undefined) timeline.push([undefined, notCached(around)]);
  if (meaning !== undefined) timeline.push([message?.timestamp, meant(meaning)]);
  timeline.push(...waiting.flatMap(failuresOf));
  // Noted of what is done with, though Turn was not called.
  const isOurs = delivered?.attempts === 0 || meaning !== undefined && "page" in meaning;
  if (delivered !== undefined && !isOurs) {
    timeline.push([delivered.at, `Turn took it${attempt(delivered.attempts)}`]);
  }
  if (reply !== undefined) {
    const by = isOurs ? "the bridge" : "Turn";
    timeline.push([reply.timestamp, `${by} answered it with message ${reply.message_id}`]);
  }
  const places = waiting.map((one) => placeOf(one, around));
  const now = delivered !== undefined && !isOurs
    ? ["Turn has it", ...places]
    : isOurs
    ? ["the bridge has answered it, and Turn need not know", ...places]
    : places.length > 0
    ? places
    : [inboundOpen(found, around)];
  return {
    connector: around.connector,
    kind: "inbound",
    id,
    user: known?.from_addr ?? waiting.find(isDelayed)?.user ?? null,
    steps: inOrder(timeline),
    state: waitingState(waiting, around) ??
      (delivered === undefined && !isOurs ? "open" : "delivered"),
    now,
    ...(around.content && parked && { content: parseFields(parked.body)["content"] ?? null }),
  };
}

function meant(meaning: Meaning): string {
  if ("told" in meaning) return "it asked to start again";
  return "page" in meaning
    ? `it asked for page ${meaning.page} of message ${meaning.of}`
    : `it picked ${meaning.number} of ${meaning.of} of the menu in message ${meaning.choice.contextId}`;
}

/** Where a message may be that Turn does not have, as far as is known, and that waits in no other queue. */
function inboundOpen({ message }: InboundFound, around: Surroundings): string {
  const { connector, depths, hasCache } = around;
  const may = [
    depths === undefined
      ? "in one of the queues, which could not be read"
      : `in work, or among the ${depths.inbound ?? 0} that wait in ${queuesOf(connector).inbound}`,
  ];
  if (message?.session_event === "close") {
    may.push("finished: Turn is not called about a user who hangs up without a text");
  }
  if (isForgotten(message?.timestamp, around)) {
    may.push("at Turn, which is not remembered for longer than 48 hours");
  }
  if (!hasCache) may.push("in a delay queue, or at Turn, which only the cache knows");
  return `it is ${may.join("; or ")}`;
}

function outboundStory(found: OutboundFound, around: Surroundings): Story {
  const { id, message, repliedTo, confirmedAt, told, shown, screen, session, waiting } = found;
  const timeline: Dated[] = [];
  if (repliedTo !== undefined) {
    const { message_id, timestamp } = repliedTo;
    timeline.push([timestamp, `message ${message_id} came from the user, which it answers`]);
  }
  if (message === undefined) {
    timeline.push([undefined, notCached(around)]);
  } else {
    const { timestamp, to_addr, from_addr, in_reply_to } = message;
    const asked = `Turn asked for it to be sent to ${to_addr} from ${from_addr}`;
    timeline.push([timestamp, `${asked}, ${carrier(message)}`]);
    if (in_reply_to && repliedTo === undefined) {
      timeline.push([undefined, `it answers ${in_reply_to}, which is no longer remembered`]);
    }
  }
  timeline.push(...inSession(id, session));
  if (confirmedAt !== undefined) {
    const others = screen.filter((other) => other !== id);
    const what = others.length === 0
      ? "it"
      : `one screen with it and message${others.length === 1 ? "" : "s"} ${list(others)}`;
    timeline.push([
      confirmedAt,
      `RabbitMQ confirmed ${what} in ${queuesOf(around.connector).outbound}`,
    ]);
  }
  for (const { id, event, status, at, attempts, word } of told.events) {
    const said = word === undefined ? SAID[event] : `${SAID[event]} (${word})`;
    const how = `${attempt(attempts)} (event ${id})`;
    timeline.push([at, `${said}, and Turn was told "${status}"${how}`]);
  }
  timeline.push(...waiting.flatMap(failuresOf));
  const [state, words] = outboundState(found, around);
  return {
    connector: around.connector,
    kind: "outbound",
    id,
    user: message?.to_addr ?? null,
    steps: inOrder(timeline),
    state: waitingState(waiting, around) ?? state,
    now: [words, ...waiting.map((one) => placeOf(one, around))],
    ...(around.content && shown !== undefined && { content: JSON.parse(shown) }),
  };
}

function outboundState(found: OutboundFound, around: Surroundings): readonly [State, string] {
  const { id, message, confirmedAt, told, session, unacked } = found;
  const { depths, hasCache } = around;
  const queues = queuesOf(around.connector);
  const last = told.events.at(-1)?.event;
  if (session?.pending?.messages.some((pending) => pending.id === id)) {
    return ["held", "it waits for the user's next dial, which shows it first"];
  }
  if (told.progress === 3) return ["delivered", AFTER.delivered];
  if (last !== undefined) {
    return [last === "nack" || last === "failed" ? "failed" : "sent", AFTER[last]];
  }
  if (!hasCache) return ["open", "only the cache knows which statuses Turn has"];
  if (unacked?.sentAt === null) return ["held", throttledWords(unacked, queues.heldSms)];
  const noEvent = depths === undefined
    ? "whether an event waits is not known"
    : `Turn has no status of it yet; ${depths.event ?? 0} events wait in ${queues.event}`;
  if (confirmedAt !== undefined) {
    const among = depths === undefined ? "" : `among the ${depths.outbound ?? 0} `;
    const where = `the transport has it, or it is ${among}in ${queues.outbound}`;
    return ["sent", `${where}; ${noEvent}`];
  }
  if (message === undefined) return ["open", "no message of this id is remembered"];
  if (isHeld(message, session, around)) return ["held", heldWords(around)];
  if (isForgotten(message.timestamp, around)) {
    return ["open", "what became of it is not remembered for longer than 48 hours"];
  }
  const waits = message.transport_type === "ussd"
    ? ""
    : `it waits in ${queues.heldSms}, or in hand there, until it may be sent; or else `;
  return [
    "open",
    waits +
    "there is no record that RabbitMQ confirmed it; if it did not, Turn was answered 503 and tries " +
    `again, which makes another message; ${noEvent}`,
  ];
}

/** Where a message is if this was the latest event. */
const AFTER: Readonly<Record<Said, string>> = {
  ack: "the provider has it, and Turn knows; that the user has it was not reported",
  pending: "it is on its way, and Turn knows; that the user has it was not reported",
  nack: "the provider did not take it, and Turn knows",
  failed: "it did not reach the user, and Turn knows",
  delivered: "the user has it, and Turn knows",
};

const SAID: Readonly<Record<Said, string>> = {
  ack: "the transport acked it",
  nack: "the transport nacked it",
  pending: "the transport reported that it is on its way",
  failed: "the transport reported that it failed",
  delivered: "the transport reported that it was delivered",
};

function notCached({ hasCache }: Surroundings): string {
  return hasCache
    ? "not in the cache: it is older than the cache keeps, or never came here"
    : "the cache could not be read";
}

/** Whether it is so old that the cache has forgotten what became of it. */
function isForgotten(timestamp: string | undefined, { now }: Surroundings): boolean {
  return timestamp !== undefined && now - unixMilliseconds(timestamp) > DELIVERED_TTL_MS;
}

/** "?" stands for a missing field. */
const text = z.string().catch("?");

const fieldsSchema = z.object({
  timestamp: text,
  from_addr: text,
  to_addr: text,
  transport_name: text,
  transport_type: text,
});

function carrier({ transport_name, transport_type }: z.output<typeof fieldsSchema>): string {
  return `by ${transport_name} (${transport_type})`;
}

function attempt(attempts: number): string {
  return attempts === 1 ? "" : `, at attempt ${attempts}`;
}

/** The steps by their times; one without a time stays behind the one before it. */
function inOrder(dated: readonly Dated[]): readonly Step[] {
  let place = 0;
  const steps = dated.map(([at, text]) => {
    const ms = typeof at === "string" ? unixMilliseconds(at) : at ?? NaN;
    if (Number.isNaN(ms)) return { at: null, text, place };
    place = ms;
    return { at: new Date(ms).toISOString(), text, place };
  });
  return steps.toSorted((a, b) => a.place - b.place).map(({ at, text }) => ({ at, text }));
}
