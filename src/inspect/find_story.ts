/**
 * What is known of a message as a story in plain words: what became of it, when, and where it is now.
 * No I/O: find_search.ts searches.
 *
 * @module
 */

import { parseFields } from "../async/mod.ts";
import type { Said, ToldEvent } from "../bridge/mod.ts";
import { delayQueue } from "../broker/mod.ts";
import { type ConnectorQueues, unixMilliseconds } from "../vumi/mod.ts";
import { eventWords, fieldsOf, type MessageFields, type ParkedMessage } from "./parked_messages.ts";
import type { Depths, Found, InboundFound, OutboundFound, Waiting } from "./find_search.ts";

/** One thing that happened. */
export interface Step {
  /** ISO 8601; null if it is not known. */
  readonly at: string | null;
  readonly text: string;
}

type State =
  | "delivered"
  | "delayed"
  | "parked"
  | "sent"
  /** It did not reach the user, as the transport reported. */
  | "failed"
  /** In its queue or in work, or not known. */
  | "open";

/** All that is known of one message. */
export interface Story {
  readonly connector: string;
  readonly kind: Found["kind"];
  readonly id: string;
  readonly user: string | null;
  /** What happened, in order. */
  readonly steps: readonly Step[];
  readonly state: State;
  /** Where it is in words, with what can be done. */
  readonly now: readonly string[];
  /** What the user wrote, if it was asked for and is parked. */
  readonly content?: unknown;
}

/** What a story needs beside the message. */
export interface Surroundings {
  readonly connector: string;
  readonly queues: ConnectorQueues;
  /** Undefined if the queues could not be read. */
  readonly depths: Depths | undefined;
  /** Whether the cache could be read. */
  readonly hasCache: boolean;
  /** How long records are kept. */
  readonly noteTtlMs: number;
  readonly now: number;
  /** Whether what users wrote may be shown. */
  readonly content: boolean;
}

export function storyOf(found: Found, around: Surroundings): Story {
  return found.kind === "inbound" ? inboundStory(found, around) : outboundStory(found, around);
}

function inboundStory(found: InboundFound, around: Surroundings): Story {
  const { id, message, delivered, reply, waiting } = found;
  const first = waiting.find((one) => one.kind === "parked")?.message;
  const delayed = waiting.find((one) => one.kind === "delayed")?.note;
  const known = message ?? (first && fieldsOf(first.body));
  const steps: Step[] = [
    ...(known === undefined ? [] : [{
      at: isoOf(known.timestamp),
      text: `came from ${known.from_addr} to ${known.to_addr}, ${carrier(known)}`,
    }]),
    ...(message === undefined ? [notCached(around)] : []),
    ...waiting.flatMap(failures),
    ...(delivered === undefined ? [] : [{
      at: isoAt(delivered.at),
      text: `Turn took it${attempt(delivered.attempts)}`,
    }]),
    ...(reply === undefined ? [] : [{
      at: isoOf(reply.timestamp),
      text: `Turn answered it with message ${reply.message_id}`,
    }]),
  ];
  const places = waiting.map((one) => placeOf(one, around));
  const now = delivered === undefined
    ? places.length > 0 ? places : inboundOpen(found, around)
    : ["Turn has it", ...places];
  return {
    connector: around.connector,
    kind: "inbound",
    id,
    user: known?.from_addr ?? delayed?.user ?? null,
    steps: inOrder(steps),
    state: waitingState(waiting, around) ?? (delivered === undefined ? "open" : "delivered"),
    now,
    ...(around.content && first !== undefined &&
      { content: parseFields(first.body)["content"] ?? null }),
  };
}

/** Where a message may be that Turn does not have, as far as is known, and that waits in no other queue. */
function inboundOpen({ message }: InboundFound, around: Surroundings): string[] {
  const { depths, queues, hasCache } = around;
  const may = [
    ...(depths === undefined
      ? ["in one of the queues, which could not be read"]
      : [`in work, or among the ${depths.inbound ?? 0} that wait in ${queues.inbound}`]),
    ...(message?.session_event === "close"
      ? ["finished: Turn is not called about a user who hangs up without a text"]
      : []),
    ...(isForgotten(message?.timestamp, around)
      ? ["at Turn, which is not remembered for longer than 48 hours"]
      : []),
    ...(hasCache ? [] : ["in a delay queue, or at Turn, which only the cache knows"]),
  ];
  return [`it is ${may.join("; or ")}`];
}

function outboundStory(found: OutboundFound, around: Surroundings): Story {
  const { id, message, repliedTo, confirmedAt, told, waiting } = found;
  const { queues } = around;
  const steps: Step[] = [
    ...(repliedTo === undefined ? [] : [{
      at: isoOf(repliedTo.timestamp),
      text: `message ${repliedTo.message_id} came from the user, which it answers`,
    }]),
    ...(message === undefined ? [notCached(around)] : [{
      at: isoOf(message.timestamp),
      text: `Turn asked for it to be sent to ${message.to_addr} from ${message.from_addr}, ` +
        carrier(message),
    }]),
    ...(message?.in_reply_to && repliedTo === undefined
      ? [{ at: null, text: `it answers ${message.in_reply_to}, which is no longer remembered` }]
      : []),
    ...(confirmedAt === undefined ? [] : [{
      at: isoAt(confirmedAt),
      text: `RabbitMQ confirmed it in ${queues.outbound}`,
    }]),
    ...told.events.map(eventStep),
    ...waiting.flatMap(failures),
  ];
  const places = waiting.map((one) => placeOf(one, around));
  const [state, words] = outboundState(found, around);
  return {
    connector: around.connector,
    kind: "outbound",
    id,
    user: message?.to_addr ?? null,
    steps: inOrder(steps),
    state: waitingState(waiting, around) ?? state,
    now: [words, ...places],
  };
}

function outboundState(found: OutboundFound, around: Surroundings): readonly [State, string] {
  const { message, confirmedAt, told } = found;
  const { depths, queues, hasCache } = around;
  const last = told.events.at(-1);
  if (told.progress === 3) return ["delivered", "the user has it, and Turn knows"];
  if (last !== undefined) {
    const isFailed = last.event === "nack" || last.event === "failed";
    return [isFailed ? "failed" : "sent", AFTER[last.event]];
  }
  if (!hasCache) return ["open", "only the cache knows which statuses Turn has"];
  const noEvent = depths === undefined
    ? "whether an event waits is not known"
    : `Turn has no status of it yet; ${depths.event ?? 0} events wait in ${queues.event}`;
  if (confirmedAt !== undefined) {
    const where = depths === undefined
      ? `the transport has it, or it is in ${queues.outbound}`
      : `the transport has it, or it is among the ${depths.outbound ?? 0} in ${queues.outbound}`;
    return ["sent", `${where}; ${noEvent}`];
  }
  if (message === undefined) return ["open", "no message of this id is remembered"];
  if (isForgotten(message.timestamp, around)) {
    return ["open", "what became of it is not remembered for longer than 48 hours"];
  }
  return [
    "open",
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

function eventStep({ id, event, status, at, attempts }: ToldEvent): Step {
  const text = `${SAID[event]}, and Turn was told "${status}"${attempt(attempts)} (event ${id})`;
  return { at: isoAt(at), text };
}

function failures(waiting: Waiting): Step[] {
  const what = nameOf(waiting);
  const first = waiting.kind === "parked"
    ? waiting.message.firstFailure ?? undefined
    : waiting.note.firstFailureAt && isoAt(waiting.note.firstFailureAt);
  return [
    ...(first ? [{ at: first, text: `the first call to Turn about ${what} failed` }] : []),
    ...(waiting.kind === "parked" ? [parkedStep(waiting.message, what)] : []),
  ];
}

function parkedStep({ parkedAt, attempts, reason }: ParkedMessage, what: string): Step {
  const after = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  return { at: parkedAt || null, text: `${what} was parked after ${after}: ${reason}` };
}

function placeOf(waiting: Waiting, { queues, depths, now }: Surroundings): string {
  const what = nameOf(waiting);
  if (waiting.kind === "parked") {
    const { queue, id } = waiting.message;
    const where = queue === "inbound" ? queues.inboundParked : queues.eventParked;
    return `${what} is in ${where}, until an operator decides: turn-channels parked replay --id ${id}`;
  }
  const { flow, until, delayMs, attempts, reason } = waiting.note;
  const at = isoAt(until).slice(0, 19).replace("T", " ");
  if (until > now) {
    const next = attempts === 0 ? "" : `, attempt ${attempts + 1}`;
    return `${what} waits until ${at}${next}, in ${delayQueue(delayMs)}, because: ${reason}`;
  }
  const queue = flow === "inbound" ? "inbound" : "event";
  const count = depths?.[queue];
  const among = count === undefined ? "" : `, among the ${count} there`;
  return `the delay of ${what} ended at ${at}: in ${queues[queue]} again${among}, or in work`;
}

function nameOf(waiting: Waiting): string {
  if (waiting.kind === "delayed") {
    return waiting.note.flow === "inbound" ? "it" : `event ${waiting.note.id || "without an id"}`;
  }
  const { queue, id, body } = waiting.message;
  return queue === "inbound" ? "it" : `event ${id ?? "without an id"} (${eventWords(body)})`;
}

/** After its delay a message is in its queue again. */
function waitingState(waiting: readonly Waiting[], { now }: Surroundings): State | undefined {
  if (waiting.length === 0) return undefined;
  if (waiting.some(({ kind }) => kind === "parked")) return "parked";
  return waiting.some((one) => one.kind === "delayed" && one.note.until > now) ? "delayed" : "open";
}

function notCached({ hasCache }: Surroundings): Step {
  return {
    at: null,
    text: hasCache
      ? "not in the cache: it is older than the cache keeps, or never came here"
      : "the cache could not be read",
  };
}

function isForgotten(timestamp: string | undefined, { now, noteTtlMs }: Surroundings): boolean {
  return timestamp !== undefined && now - unixMilliseconds(timestamp) > noteTtlMs;
}

function carrier(
  { transport_name, transport_type }: Pick<MessageFields, "transport_name" | "transport_type">,
): string {
  return `by ${transport_name} (${transport_type})`;
}

function attempt(attempts: number): string {
  return attempts === 1 ? "" : `, at attempt ${attempts}`;
}

function isoAt(ms: number): string {
  return new Date(ms).toISOString();
}

/** Null if it is no timestamp of vumi. */
function isoOf(timestamp: string): string | null {
  const ms = unixMilliseconds(timestamp);
  return Number.isNaN(ms) ? null : isoAt(ms);
}

/** Sorts by time; a step without one stays behind the step before it. */
function inOrder(steps: readonly Step[]): readonly Step[] {
  let before = "";
  return steps.map((step) => ({ step, at: before = step.at ?? before }))
    .sort((a, b) => a.at < b.at ? -1 : a.at > b.at ? 1 : 0)
    .map(({ step }) => step);
}
