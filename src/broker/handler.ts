/**
 * What every adapter does with a handler that fails.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { BrokerMessage, Disposition, Handler } from "./mod.ts";

const log = getLogger(["turn-channels", "broker"]);

/** Never rejects: a handler that throws has a bug, its message is parked. */
export async function runHandler(
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
