// vumi's event, as it travels on `<connector>.event`: what became of an outbound message. Fields
// and defaults: vumi2's src/vumi2/messages.py.

import { Buffer } from "node:buffer";
import * as z from "zod";
import { newId } from "./message.ts";
import { metadataSchema, parsePayload, textOr, textOrNull } from "./payload.ts";
import { timestampSchema } from "./timestamp.ts";

const metadata = metadataSchema.default(() => ({}));

const eventFields = z.object({
  event_id: textOr(newId),
  // Some transports have only sent_message_id, and may have made that the same as ours.
  user_message_id: z.string().nullable(),
  event_type: z.enum(["ack", "nack", "delivery_report"]),
  sent_message_id: textOrNull,
  nack_reason: textOrNull,
  delivery_status: z.enum(["pending", "failed", "delivered"]).nullable().default(null),
  message_version: textOr(() => "20110921"),
  message_type: textOr(() => "event"),
  timestamp: timestampSchema,
  routing_metadata: metadata,
  helper_metadata: metadata,
  transport_metadata: metadataSchema.nullable().default(() => ({})),
});

/** Each type of event has one field that it can't do without. */
const REQUIRED = {
  ack: "sent_message_id",
  nack: "nack_reason",
  delivery_report: "delivery_status",
} as const;

const eventSchema = eventFields.transform((event, context) => {
  const field = REQUIRED[event.event_type];
  const user_message_id = event.user_message_id || event.sent_message_id || "";
  if (user_message_id === "") {
    const message = "required where there is no sent_message_id";
    context.addIssue({ code: "custom", path: ["user_message_id"], message });
  }
  if (event[field] === null) {
    const message = `required for ${event.event_type}`;
    context.addIssue({ code: "custom", path: [field], message });
  }
  return { ...event, user_message_id };
});

/**
 * What became of an outbound message, all fields present; where only the provider's id of it is known,
 * that is `user_message_id` too.
 * @internal As Message is.
 */
export type Event = Readonly<z.output<typeof eventSchema>>;

/**
 * Reads an event off the wire, as loosely as vumi2; see {@linkcode decodeMessage}.
 * @throws {MalformedPayloadError} If `body` is not UTF-8 JSON, or a field is missing or wrong.
 */
export function decodeEvent(body: Uint8Array): Event {
  return parsePayload("event", eventSchema, body);
}

/** What the nack_reason of our own events begins with. */
export const OURS = "turn-channels: ";

/** What marks our own events, in their helper_metadata. */
const OURS_KEY = "turn_channels";

/** A new event, of our own: that the message with this id failed. */
export function createNack(user_message_id: string, reason: string): Event {
  return ours(user_message_id, { event_type: "nack", nack_reason: `${OURS}${reason}` });
}

/** A new event, of our own: that the message with this id was taken. */
export function createAck(user_message_id: string): Event {
  return ours(user_message_id, { event_type: "ack", sent_message_id: user_message_id });
}

/** A new event, of our own: that nothing is known yet of the message with this id, and is not waited for. */
export function createPending(user_message_id: string): Event {
  return ours(user_message_id, { event_type: "delivery_report", delivery_status: "pending" });
}

function ours(user_message_id: string, fields: Partial<Event>): Event {
  const helper_metadata = { [OURS_KEY]: true };
  return { ...eventFields.parse({ ...fields, user_message_id, helper_metadata }), user_message_id };
}

/** Whether an event was made by this program, as by {@linkcode createAck}; and by no transport. */
export function isOurs({ nack_reason, helper_metadata }: Event): boolean {
  // An earlier version has marked none but by the reason.
  return helper_metadata[OURS_KEY] === true || nack_reason?.startsWith(OURS) === true;
}

/** Writes an event for the wire, every field present. */
export function encodeEvent(event: Event): Uint8Array {
  return Buffer.from(JSON.stringify(event));
}
