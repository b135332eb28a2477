// What is kept of a message to a user beside who and when: what the user is asked with it, what has not
// fit into it, and what a phone was shown.

import type { KeptRecord } from "../cache/mod.ts";
import type { OutboundRequest } from "../turn/mod.ts";
import type { Message } from "../vumi/mod.ts";
import { DELIVERED_TTL_MS } from "./delivery_records.ts";
import type { BridgeOptions } from "./options.ts";
import { forget, keepPages, keepPrompt } from "./prompts.ts";
import type { Shown } from "./rendering.ts";
import { keepSplitSms } from "./split_sms.ts";

/** More characters than that are not kept for operators; those of people's messages are. */
const MOST_SHOWN = 100_000;

type Options = Pick<BridgeOptions, "ussd" | "content">;

/** What is to be kept before the message is published: an event or an answer may be quick. */
export function recordsBefore(
  request: OutboundRequest,
  message: Message,
  shown: Shown,
  options: Options,
): readonly KeptRecord[] {
  const { medium, texts, options: menu } = shown;
  const { to_addr: user, message_id: id } = message;
  const records = [...shownRecord(request, message, shown)];
  if (menu.length > 0) {
    records.push(keepPrompt(user, { id, medium, options: menu }, options));
  }
  if (texts.length > 1) {
    const sessionEvent = sessionEventOf(request);
    records.push(
      medium === "sms"
        ? keepSplitSms({ message, texts, sent: 1, said: [] })
        : keepPages(user, { id, texts, sessionEvent, broughtBy: [] }, options),
    );
  }
  return records;
}

/** What is no longer true once the message is published. */
export function recordsAfter(
  request: OutboundRequest,
  { to_addr: user }: Message,
  { medium, texts, options }: Shown,
): readonly KeptRecord[] {
  const records: KeptRecord[] = [];
  // It asks for something else than a choice.
  if (request.waitingForUserInput && options.length === 0) records.push(forget("prompt", user));
  if (medium === "ussd" && texts.length === 1) records.push(forget("pages", user));
  return records;
}

/** What it does with the user's session. */
export function sessionEventOf({ waitingForUserInput }: OutboundRequest): "resume" | "close" {
  return waitingForUserInput ? "resume" : "close";
}

/** What was shown, unless that is what Turn sent. */
function shownRecord(
  { message }: OutboundRequest,
  { message_id: id }: Message,
  { texts }: Shown,
): readonly KeptRecord[] {
  if (message.type === "text" && texts[0] === message.text.body) return [];
  const value = JSON.stringify(texts);
  if (value.length > MOST_SHOWN) return [];
  return [{ kind: "shown", id, value, ttlMs: DELIVERED_TTL_MS }];
}
