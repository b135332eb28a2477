// One of Turn's messages as a vumi message: in answer to the user's, or as a new one.

import type { Remembered } from "../cache/mod.ts";
import type { OutboundRequest } from "../turn/mod.ts";
import { createMessage, createReply, type Message, newId } from "../vumi/mod.ts";
import { log } from "./log.ts";
import type { BridgeOptions } from "./options.ts";
import { firstSmsId } from "./part_ids.ts";
import type { Shown } from "./rendering.ts";
import { sessionEventOf } from "./sent_records.ts";

type ComposeOptions = Pick<
  BridgeOptions,
  "cache" | "connector" | "defaultFromAddr" | "transportType"
>;

/** The first of the messages that it becomes. */
export function composeShown(
  request: OutboundRequest,
  inbound: Remembered | undefined,
  { medium, texts }: Shown,
  options: ComposeOptions,
): Message {
  const message = compose(request, inbound, texts[0], options);
  if (texts.length === 1) return message;
  return medium === "ussd"
    ? { ...message, session_event: "resume" }
    : { ...message, message_id: firstSmsId(newId()) };
}

/** It with these words, in answer to `inbound` if that is given. */
export function compose(
  request: OutboundRequest,
  inbound: Remembered | undefined,
  content: string | null,
  { cache, connector, defaultFromAddr, transportType }: ComposeOptions,
): Message {
  const session_event = sessionEventOf(request);
  if (inbound !== undefined) {
    if (cache.addresses.key(inbound.from_addr) !== cache.addresses.key(request.to)) {
      const values = { replyTo: inbound.message_id };
      log.warning(
        "Turn's `to` is not the user who wrote {replyTo}, sent to the one who did",
        values,
      );
    }
    return createReply(inbound, { content, session_event });
  }
  return createMessage({
    to_addr: request.to,
    from_addr: request.from ?? defaultFromAddr,
    // Of no transport yet: vumi2 names the connector, and routers decide.
    transport_name: connector.name,
    transport_type: transportType,
    content,
    session_event,
  });
}
