// Which parked messages came in USSD sessions that are over: the user does not wait for an answer any
// more, and one that comes all the same would be too late.

import { parseFields } from "../async/mod.ts";
import { isTooOld, type UssdOptions } from "../bridge/mod.ts";
import { unixMilliseconds } from "../vumi/mod.ts";
import type { ParkedMessage } from "./parked_messages.ts";

/** Whether it is a user's message of such a session, as far as it tells. */
export function isOfDeadSession(
  { queue, body }: Pick<ParkedMessage, "queue" | "body">,
  ussd: UssdOptions,
  now: number,
): boolean {
  if (queue !== "inbound") return false;
  const { transport_type, timestamp, session_event } = parseFields(body);
  if (transport_type !== "ussd") return false;
  if (session_event === "close") return true;
  return typeof timestamp === "string" && isTooOld(now - unixMilliseconds(timestamp), ussd);
}
