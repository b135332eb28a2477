// What is held is in hand until it is shown, or sent, and goes back to its queue each time that we end or
// lose the connection. A quorum queue counts that, and drops a message in the end: one that was returned
// often is put in again as a copy before.

import { type BrokerMessage, type Disposition, RETRY_HEADERS } from "../vumi/mod.ts";

/** RabbitMQ drops a message that was returned 20 times, unless a policy says otherwise. */
const MOST_RETURNS = 15;

/** It is shown, or has gone another way. */
export const DONE: Disposition = { kind: "done" };

/** It goes back to its queue. */
export const BACK: Disposition = { kind: "requeue" };

/** It goes to the end of its queue as a copy. */
export const AGAIN: Disposition = { kind: "again", headers: { [RETRY_HEADERS.copies]: 1 } };

/** Whether RabbitMQ would drop it soon. */
export function isReturnedTooOften({ returns }: BrokerMessage): boolean {
  return returns >= MOST_RETURNS;
}

/** Whether something may have been done about it before. */
export function cameBefore({ redelivered, headers }: BrokerMessage): boolean {
  return redelivered || headers[RETRY_HEADERS.copies] !== undefined;
}
