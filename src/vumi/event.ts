// vumi's event, as it travels on `<connector>.event`: what became of an outbound message. Fields
// and defaults: vumi2's src/vumi2/messages.py.

import { Buffer } from "node:buffer";
import * as z from "zod";
import { newId } from "./message.ts";
import { parsePayload } from "./payload.ts";
import { timestampSchema } from "./timestamp.ts";

const metadataSchema = z.record(z.string(), z.unknown()).default(() => ({}));

const eventFields = z.object({
  event_id: z.string().min(1).default(newId),
  user_message_id: z.string().min(1),
  event_type: z.enum(["ack", "nack", "delivery_report"]),
  sent_message_id: z.string().nullable().default(null),
  nack_reason: z.string().nullable().default(null),
  delivery_status: z.enum(["pending", "failed", "delivered"]).nullable().default(null),
  message_version: z.string().default("20110921"),
  message_type: z.literal("event").default("event"),
  timestamp: timestampSchema,
  routing_metadata: metadataSchema,
  helper_metadata: metadataSchema,
  transport_metadata: z.record(z.string(), z.unknown()).nullable().default(() => ({})),
});

/** Each type of event has one field that it can't do without. */
const REQUIRED = {
  ack: "sent_message_id",
  nack: "nack_reason",
  delivery_report: "delivery_status",
} as const;

const eventSchema = eventFields.superRefine((event, context) => {
  const field = REQUIRED[event.event_type];
  if (event[field] !== null) return;
  context.addIssue({ code: "custom", path: [field], message: `required for ${event.event_type}` });
});

/**
 * What became of an outbound message, all fields present.
 * @internal As Message is.
 */
export type Event = Readonly<z.output<typeof eventFields>>;

/**
 * Reads an event off the wire: unknown fields are dropped, absent ones get vumi's defaults.
 * @throws {MalformedPayloadError} If `body` is not UTF-8 JSON, or a field is missing or wrong.
 */
export function decodeEvent(body: Uint8Array): Event {
  return parsePayload("event", eventSchema, body);
}

/** Writes an event for the wire, every field present. */
export function encodeEvent(event: Event): Uint8Array {
  return Buffer.from(JSON.stringify(event));
}
