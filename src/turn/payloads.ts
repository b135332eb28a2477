// What we tell Turn, as it goes over the wire: shapes of turn_channels_api.rst, and for statuses
// the other one too that Turn has been seen to want.

import * as z from "zod";

/** A user's message, for Turn. */
export interface InboundText {
  /** The message's id, the same at each try. */
  readonly id: string;
  /** The user's address. */
  readonly from: string;
  /** What the user wrote; Turn refuses an empty one. */
  readonly text: string;
  /** Unix seconds. */
  readonly timestamp: number;
}

/** What became of an outbound message, for Turn. */
export interface Status {
  /** The id that we answered Turn's request with. */
  readonly messageId: string;
  /** The user's address. */
  readonly recipient: string;
  /** What became of it. */
  readonly status: "sent" | "delivered" | "failed";
  /** Unix seconds. */
  readonly timestamp: number;
}

/** How a status is written: as in the text, or in an object as vumi2 does it today. */
export type StatusFormat = "flat" | "nested";

const unixSeconds = z.string().regex(/^\d+$/).meta({ description: "Unix seconds." });
const statusName = z.enum(["sent", "delivered", "failed"]);

/** A user's message as it is written. @internal As requestSchema is. */
export const messageSchema = z.object({
  contact: z.object({ id: z.string(), profile: z.object({ name: z.string() }) }),
  message: z.object({
    type: z.literal("text"),
    text: z.object({ body: z.string().min(1) }),
    from: z.string(),
    id: z.string(),
    timestamp: unixSeconds,
  }),
});

/** A status as it is written, in each of the forms. @internal As requestSchema is. */
export const statusSchemas = {
  flat: z.object({
    user_message_id: z.string(),
    timestamp: z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    status: statusName,
  }),
  nested: z.object({
    status: z.object({
      id: z.string(),
      timestamp: unixSeconds,
      status: statusName,
      recipient_id: z.string(),
    }),
  }),
} as const;

/** The body of `POST /messages`. Users have no names here, so the address stands for one. */
export function formatMessage({ id, from, text, timestamp }: InboundText): string {
  const payload: z.output<typeof messageSchema> = {
    contact: { id: from, profile: { name: from } },
    message: { type: "text", text: { body: text }, from, id, timestamp: String(timestamp) },
  };
  return JSON.stringify(payload);
}

/** The body of `POST /statuses`. */
export function formatStatus(
  format: StatusFormat,
  { messageId, recipient, status, timestamp }: Status,
): string {
  if (format === "nested") {
    const nested: z.output<typeof statusSchemas.nested> = {
      status: { id: messageId, timestamp: String(timestamp), status, recipient_id: recipient },
    };
    return JSON.stringify(nested);
  }
  const time = new Date(timestamp * 1000).toISOString().slice(0, 19).replace("T", " ");
  const flat: z.output<typeof statusSchemas.flat> = {
    user_message_id: messageId,
    timestamp: time,
    status,
  };
  return JSON.stringify(flat);
}
