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
  /** What the user chose by that; then the text is not told, unless Turn refuses choices. */
  readonly choice?: Choice | undefined;
  /** Unix seconds. */
  readonly timestamp: number;
}

/** What a user chose of a menu, as Turn sent it. */
export interface Choice {
  /** What it was among: buttons, a list's rows, a template's quick replies. */
  readonly kind: "button" | "list" | "quick_reply";
  /** By what a flow knows it; a quick reply's payload. */
  readonly id: string;
  /** Its words. */
  readonly title: string;
  /** More of its words; only of a list. */
  readonly description?: string | undefined;
  /** The id that Turn was given of the message that asked. */
  readonly contextId: string;
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

const sentBy = { from: z.string(), id: z.string(), timestamp: unixSeconds };
const inContext = { context: z.object({ id: z.string() }), ...sentBy };
const reply = z.object({ id: z.string(), title: z.string() });

/** A user's message as it is written. @internal As requestSchema is. */
export const messageSchema = z.object({
  contact: z.object({ id: z.string(), profile: z.object({ name: z.string() }) }),
  message: z.discriminatedUnion("type", [
    z.object({
      type: z.literal("text"),
      text: z.object({ body: z.string().min(1) }),
      ...sentBy,
    }),
    z.object({
      type: z.literal("interactive"),
      interactive: z.discriminatedUnion("type", [
        z.object({ type: z.literal("button_reply"), button_reply: reply }),
        z.object({
          type: z.literal("list_reply"),
          list_reply: reply.extend({ description: z.string().optional() }),
        }),
      ]),
      ...inContext,
    }),
    z.object({
      type: z.literal("button"),
      button: z.object({ payload: z.string(), text: z.string() }),
      ...inContext,
    }),
  ]),
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
export function formatMessage(inbound: InboundText): string {
  const { id, from, text, choice } = inbound;
  const sender = { from, id, timestamp: String(inbound.timestamp) };
  const payload: z.output<typeof messageSchema> = {
    contact: { id: from, profile: { name: from } },
    message: choice === undefined
      ? { type: "text", text: { body: text }, ...sender }
      : { ...chosen(choice), context: { id: choice.contextId }, ...sender },
  };
  return JSON.stringify(payload);
}

function chosen({ kind, id, title, description }: Choice) {
  switch (kind) {
    case "button": {
      const interactive = { type: "button_reply" as const, button_reply: { id, title } };
      return { type: "interactive" as const, interactive };
    }
    case "list": {
      const row = { id, title, ...(description === undefined ? {} : { description }) };
      const interactive = { type: "list_reply" as const, list_reply: row };
      return { type: "interactive" as const, interactive };
    }
    case "quick_reply":
      return { type: "button" as const, button: { payload: id, text: title } };
  }
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
