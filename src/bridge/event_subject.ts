// What an event is about: one of Turn's messages, and the SMS that it, or a part of it, went by.

import type { Event } from "../vumi/mod.ts";
import type { BridgeOptions } from "./options.ts";
import type { PartId } from "./part_ids.ts";
import type { Remembered } from "../cache/mod.ts";

/** What a transport says of an SMS. */
export interface SmsEvent {
  readonly id: string;
  readonly transport: string;
  readonly event: Event;
}

/** The SMS that an event is about; undefined if it is about a screen. */
export function smsAbout(
  event: Event,
  { message_id, transport_name, transport_type }: Remembered,
  part: PartId | undefined,
  { ussd: { smsFallback } }: Pick<BridgeOptions, "ussd">,
): SmsEvent | undefined {
  const isScreen = transport_type === "ussd" && part?.kind !== "notice";
  if (isScreen || part?.kind === "page") return undefined;
  const id = part === undefined ? message_id : event.user_message_id;
  const transport = part?.kind === "notice"
    ? smsFallback?.transportName ?? transport_name
    : transport_name;
  return { id, transport, event };
}

/** Our id of its message, and the provider's, which HTTP transports make the same as ours. */
export function sentIds(
  { user_message_id, sent_message_id }: Event,
  part: PartId | undefined,
): readonly [string, ...string[]] {
  if (part !== undefined) return [part.of];
  return sent_message_id === null ? [user_message_id] : [user_message_id, sent_message_id];
}
