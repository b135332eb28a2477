// vumi's user message, as it travels on `<connector>.inbound` and `<connector>.outbound`. Bytes
// become a `Message` in `decodeMessage` and bytes again in `encodeMessage`; no other module knows
// the wire form. Fields and defaults: vumi2's src/vumi2/messages.py.

import { Buffer } from "node:buffer";
import * as z from "zod";
import { metadataSchema, parsePayload, textOr, textOrNull, textSchema } from "./payload.ts";
import { formatTimestamp, timestampSchema } from "./timestamp.ts";

const metadata = metadataSchema.default(() => ({}));
const addressTypeSchema = z.enum(
  ["irc_nickname", "twitter_handle", "msisdn", "gtalk_id", "jabber_id", "mxit_id", "wechat_id"],
).nullable().default(null);

const messageSchema = z.object({
  message_id: textOr(newId),
  // Inbound: our number or USSD code, from_addr the user. Outbound: the other way round.
  to_addr: textSchema,
  from_addr: textSchema,
  transport_name: textSchema,
  transport_type: z.enum(
    ["http_api", "irc", "telnet", "twitter", "sms", "ussd", "xmpp", "mxit", "wechat"],
  ),
  message_version: textOr(() => "20110921"),
  message_type: textOr(() => "user_message"),
  timestamp: timestampSchema,
  in_reply_to: textOrNull,
  provider: textOrNull,
  group: textOrNull,
  // USSD, inbound: dialled, answered, hung up. Outbound: an answer is expected, or the end.
  session_event: z.enum(["new", "resume", "close"]).nullable().default(null),
  // Null or "" when a USSD session begins or ends.
  content: textOrNull,
  // For routers, for applications, and for the transport, to which a reply carries it back.
  routing_metadata: metadata,
  helper_metadata: metadata,
  transport_metadata: metadata,
  to_addr_type: addressTypeSchema,
  from_addr_type: addressTypeSchema,
});

/**
 * One message between a user and us, all fields present.
 * @internal Says only to `deno doc --lint` that the schema, which it comes from, needs no export.
 */
export type Message = Readonly<z.output<typeof messageSchema>>;

/** The kind of network a message travels on. */
export type TransportType = Message["transport_type"];

/** What a new message must say; all else has vumi's default. */
export type MessageFields =
  & Pick<Message, "to_addr" | "from_addr" | "transport_name" | "transport_type">
  & Partial<Message>;

const DEFAULTS = messageSchema.parse(
  { to_addr: "", from_addr: "", transport_name: "", transport_type: "sms" },
);

/** A new message, with a new id and the time `now` unless given. */
export function createMessage(fields: MessageFields, now: Date = new Date()): Message {
  return { ...DEFAULTS, message_id: newId(), timestamp: formatTimestamp(now), ...fields };
}

/** What of an inbound message a reply carries on. */
export type Replyable = Pick<
  Message,
  | "message_id"
  | "to_addr"
  | "from_addr"
  | "group"
  | "provider"
  | "transport_name"
  | "transport_type"
  | "transport_metadata"
>;

/**
 * A new message in answer to `inbound`: addresses swapped, and what identifies the user's session
 * carried over, without which a USSD transport can't find it (vumi2's Message.reply).
 */
export function createReply(
  inbound: Replyable,
  fields: Pick<Message, "content" | "session_event">,
  now?: Date,
): Message {
  const { group, provider, transport_name, transport_type, transport_metadata } = inbound;
  return createMessage({
    ...fields,
    to_addr: inbound.from_addr,
    from_addr: inbound.to_addr,
    in_reply_to: inbound.message_id,
    ...{ group, provider, transport_name, transport_type, transport_metadata },
  }, now);
}

/**
 * Reads a message off the wire, as loosely as vumi2: unknown fields are dropped, absent ones get
 * vumi's defaults, and what is no text where one belongs becomes one.
 * @throws {MalformedPayloadError} If `body` is not UTF-8 JSON, or a field is missing or wrong.
 */
export function decodeMessage(body: Uint8Array): Message {
  return parsePayload("message", messageSchema, body);
}

/** Writes a message for the wire, every field present. */
export function encodeMessage(message: Message): Uint8Array {
  return Buffer.from(JSON.stringify(message));
}

/**
 * A new id in the form of vumi's: a version 4 UUID as 32 hexadecimal digits, the first 12 of which are
 * the time. A store on disk takes ids that are made together, and so lie together, in half the time.
 */
export function newId(): string {
  const time = Date.now().toString(16).padStart(12, "0");
  return time + crypto.randomUUID().replaceAll("-", "").slice(12);
}
