// What waits outside of its queue, parked or delayed, in plain words for find_story.ts.

import { parseFields, shellWord } from "../async/mod.ts";
import type { DelayedRecord, KeptSms } from "../bridge/mod.ts";
import { delayQueue } from "../broker/mod.ts";
import { queuesOf } from "../vumi/mod.ts";
import { isOfDeadSession } from "./dead_sessions.ts";
import type { Dated, Surroundings } from "./find_story.ts";
import type { ParkedMessage } from "./parked_messages.ts";

/** A message or event that waits outside of its queue. */
export type Waiting = ParkedMessage | DelayedRecord;

export function isDelayed(waiting: Waiting): waiting is DelayedRecord {
  return "until" in waiting;
}

/** Whether it is a message from a user, and not an event. */
export function isInbound(waiting: Waiting): boolean {
  return (isDelayed(waiting) ? waiting.flow : waiting.queue) === "inbound";
}

/** What went wrong with a waiting message. */
export function failuresOf(waiting: Waiting): readonly Dated[] {
  const what = nameOf(waiting);
  const failed = `the first call to Turn about ${what} failed`;
  if (isDelayed(waiting)) {
    const { firstFailureAt } = waiting;
    return firstFailureAt === undefined ? [] : [[firstFailureAt, failed]];
  }
  const { firstFailure, parkedAt, attempts, reason } = waiting;
  const after = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const parked = [parkedAt, `${what} was parked after ${after}: ${reason}`] as const;
  return firstFailure ? [[firstFailure, failed], parked] : [parked];
}

/** Where a waiting message is, and what can be done. */
export function placeOf(waiting: Waiting, { connector, depths, now, ussd }: Surroundings): string {
  const what = nameOf(waiting);
  const queues = queuesOf(connector);
  if (!isDelayed(waiting)) {
    const where = queues[`${waiting.queue}Parked`];
    return `${what} is in ${where}, until an operator decides: turn-channels parked replay --id ` +
      `${shellWord(waiting.id ?? waiting.about ?? "")}${
        isOfDeadSession(waiting, ussd, now) ? " --dead-sessions" : ""
      }`;
  }
  const queue = isInbound(waiting) ? "inbound" : "event";
  const { until, delayMs, attempts, reason } = waiting;
  const at = formatTime(new Date(until).toISOString());
  if (until > now) {
    const next = attempts === 0 ? "" : `, attempt ${attempts + 1}`;
    return `${what} waits until ${at}${next}, in ${delayQueue(delayMs)}, because: ${reason}`;
  }
  const count = depths?.[queue];
  const among = count === undefined ? "" : `, among the ${count} there`;
  return `the delay of ${what} ended at ${at}: back in ${queues[queue]}${among}, or in work`;
}

function nameOf(waiting: Waiting): string {
  // What was held is the message itself.
  if (isInbound(waiting) || !isDelayed(waiting) && waiting.queue === "held") return "it";
  const words = isDelayed(waiting) ? "" : ` (${eventWords(waiting.body)})`;
  return `event ${waiting.id || "without an id"}${words}`;
}

function eventWords(body: Uint8Array): string {
  const { event_type, delivery_status } = parseFields(body);
  const words = event_type === "delivery_report"
    ? ["delivery report", delivery_status]
    : [event_type];
  return words.filter((word) => typeof word === "string").join(" ") || "unreadable";
}

/** The state of a message of which these wait; after its delay it is in its queue again. */
export function waitingState(waiting: readonly Waiting[], { now }: Surroundings) {
  if (waiting.length === 0) return undefined;
  if (!waiting.every(isDelayed)) return "parked";
  return waiting.some(({ until }) => until > now) ? "delayed" : "open";
}

/** An ISO 8601 time for people, in UTC to the second. */
export function formatTime(iso: string): string {
  return iso.slice(0, 19).replace("T", " ");
}

/** Where an SMS is that the operator has throttled. */
export function throttledWords({ tries, dueAt }: KeptSms, queue: string): string {
  const at = formatTime(new Date(dueAt).toISOString());
  const times = `${tries} time${tries === 1 ? "" : "s"}`;
  return `it was sent ${times} and throttled: it waits in ${queue} until ${at}`;
}
