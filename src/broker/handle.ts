/**
 * What every adapter does the same way with a handler and a parked message: a handler that throws
 * gets its message parked, and the parked copy says in its headers why, when and from where.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { BrokerMessage, Disposition, Handler } from "./mod.ts";

const log = getLogger(["turn-channels", "broker"]);

/** The disposition `park`. */
export type Park = Extract<Disposition, { kind: "park" }>;

/** Longest reason put in a header, in characters: enough for a person, far below a frame's limit. */
const MAX_REASON_LENGTH = 1000;

/** Asks the handler what becomes of the message. Never rejects: a handler that throws has a bug. */
export async function decide(
  handler: Handler,
  message: BrokerMessage,
  queue: string,
): Promise<Disposition> {
  try {
    return await handler(message);
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    log.error("The handler of {queue} failed, its message is parked: {name}: {message}", {
      queue,
      name: error.name,
      message: error.message,
      stack: error.stack,
    });
    return { kind: "park", reason: `bug: ${error.name}: ${error.message}` };
  }
}

/** The headers that a parked copy has beside the message's own. */
export function parkedHeaders(
  queue: string,
  { reason, status }: Park,
  at: Date,
): Record<string, string | number> {
  return {
    "x-parked-reason": reason.slice(0, MAX_REASON_LENGTH),
    "x-parked-at": at.toISOString(),
    "x-parked-from": queue,
    ...status === undefined ? {} : { "x-parked-status": status },
  };
}
