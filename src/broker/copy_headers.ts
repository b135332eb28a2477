/**
 * What every adapter does the same way with a handler and with the copies of a message: a handler
 * that throws gets its message parked, and a copy says in its headers what is to be known of it.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { BrokerMessage, Disposition, Handler, Headers } from "./mod.ts";

const log = getLogger(["turn-channels", "broker"]);

/** The dispositions that leave a copy in another queue. */
export type Copied = Extract<Disposition, { kind: "later" | "again" | "park" }>;

/** Longest text put in a header, in characters: enough for a person, far below a frame's limit. */
const MAX_TEXT_LENGTH = 1000;

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

/** The headers that a copy has beside the message's own. */
export function addedHeaders(queue: string, disposition: Copied, at: Date): Headers {
  if (disposition.kind !== "park") return shortened(disposition.headers);
  const { reason, status, headers } = disposition;
  return shortened({
    ...headers,
    "x-parked-reason": reason,
    "x-parked-at": at.toISOString(),
    "x-parked-from": queue,
    ...status === undefined ? {} : { "x-parked-status": status },
  });
}

/** The headers, none of their texts too long. */
export function shortened(headers: Headers): Headers {
  return Object.fromEntries(
    Object.entries(headers).map(([key, value]) => [
      key,
      typeof value === "string" ? value.slice(0, MAX_TEXT_LENGTH) : value,
    ]),
  );
}
