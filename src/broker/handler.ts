// What every adapter does with a handler that fails.

import { log } from "./log.ts";
import type { BrokerMessage, ConsumeOptions, Disposition, Handler } from "./mod.ts";

/** Runs the handler. Never rejects: one that throws has a bug, and its message is parked. */
export async function runHandler(
  handler: Handler,
  message: BrokerMessage,
  queue: string,
  { onParked }: Pick<ConsumeOptions, "onParked">,
): Promise<Disposition> {
  try {
    return await handler(message);
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const bug = `${error.name}: ${error.message}`;
    const values = { queue, bug, stack: error.stack };
    log.error("Parked a message of {queue} because of a bug, please report it: {bug}", values);
    onParked?.(true);
    return { kind: "park", reason: `bug: ${bug}` };
  }
}
