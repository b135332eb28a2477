// What is held is in hand until it is shown, or sent, and goes back to its queue each time that we end or
// lose the connection. A quorum queue counts that, and drops a message in the end: one that was returned
// often is put in again as a copy before.

import { type BrokerMessage, type Disposition, RETRY_HEADERS } from "../vumi/mod.ts";

/** RabbitMQ drops a message that was returned 20 times, unless a policy says otherwise. */
const MOST_RETURNS = 15;

/** To go to the end of its queue as a copy. */
export const HELD_AGAIN: Disposition = { kind: "again", headers: { [RETRY_HEADERS.copies]: 1 } };

/** What becomes of one that RabbitMQ would drop soon; undefined for all others. */
export function returnedTooOften({ returns }: BrokerMessage): Disposition | undefined {
  return returns >= MOST_RETURNS ? HELD_AGAIN : undefined;
}

/** Whether it is a copy, so that something may have been done about it before. */
export function isCopy({ headers }: BrokerMessage): boolean {
  return headers[RETRY_HEADERS.copies] !== undefined;
}
