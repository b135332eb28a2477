/**
 * What of a connector waits outside of its queues: in delay queues until it is tried again, and in
 * parking queues for a person. To be looked at on a running system; what lies in the queues
 * themselves is the bridge's, and stays untouched.
 *
 * @module
 */

import { type Broker, delayQueue, type Fate } from "../broker/mod.ts";
import { queuesOf } from "./connector.ts";
import { type ParkedMessage, type ParkedQueue, readParked } from "./parked.ts";

/** A message or event that waits. */
export interface WaitingMessage extends Omit<ParkedMessage, "parkedAt"> {
  /** The queue that it waits in. */
  readonly where: string;
  /** When it was parked; ISO 8601. Undefined in a delay queue, where nobody knows. */
  readonly parkedAt: string | undefined;
  /** For how long it waits in its delay queue, in milliseconds; undefined if it is parked. */
  readonly delayMs: number | undefined;
  /** When trying it failed first; ISO 8601. */
  readonly firstFailure: string | undefined;
}

/** What {@linkcode lookThroughWaiting} looks through. */
export interface WaitingOptions {
  /** The connector's name. */
  readonly name: string;
  /** Where the queues are. */
  readonly broker: Broker;
  /** The delays that there are queues for, in milliseconds. */
  readonly delaysMs: readonly number[];
}

const QUEUES: readonly ParkedQueue[] = ["inbound", "event"];

/**
 * Hands each message that waits to `visit`, one after the other; they all stay. One that moves
 * meanwhile may be missed.
 *
 * @throws {PublishError} See {@linkcode Broker.sift}.
 */
export async function lookThroughWaiting(
  { name, broker, delaysMs }: WaitingOptions,
  visit: (message: WaitingMessage) => void | Promise<void>,
): Promise<void> {
  const names = queuesOf(name);
  const look = (queue: ParkedQueue, where: string, delayMs?: number): Promise<void> =>
    broker.sift(where, async (queued): Promise<Fate> => {
      const { parkedAt, reason, ...parked } = readParked(queue, queued);
      const { [FIRST_FAILURE]: first, [REASON]: why } = queued.headers;
      await visit({
        ...parked,
        where,
        delayMs,
        parkedAt: delayMs === undefined ? parkedAt : undefined,
        reason: delayMs === undefined ? reason : typeof why === "string" ? why : "",
        firstFailure: typeof first === "string" ? first : undefined,
      });
      return "keep";
    });
  // In the way that messages go, so that one that is parked meanwhile is seen.
  for (const queue of QUEUES) {
    for (const delayMs of new Set(delaysMs)) {
      await look(queue, delayQueue(names[queue], delayMs), delayMs);
    }
    await look(queue, queue === "inbound" ? names.inboundParked : names.eventParked);
  }
}

/** Headers that the bridge's retries give a message. */
const FIRST_FAILURE = "x-retry-first-failure";
const REASON = "x-retry-reason";
