/**
 * What we tell Turn, as it goes over the wire: shapes of turn_channels_api.rst, and for statuses
 * the other one too that Turn has been seen to want.
 *
 * @module
 */

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

/** The body of `POST /messages`. Users have no names here, so the address stands for one. */
export function formatMessage({ id, from, text, timestamp }: InboundText): string {
  return JSON.stringify({
    contact: { id: from, profile: { name: from } },
    message: { type: "text", text: { body: text }, from, id, timestamp: String(timestamp) },
  });
}

/** The body of `POST /statuses`. */
export function formatStatus(format: StatusFormat, status: Status): string {
  return JSON.stringify(format === "flat" ? flatStatus(status) : nestedStatus(status));
}

function flatStatus({ messageId, status, timestamp }: Status): unknown {
  const time = new Date(timestamp * 1000).toISOString().slice(0, 19).replace("T", " ");
  return { user_message_id: messageId, timestamp: time, status };
}

function nestedStatus({ messageId, recipient, status, timestamp }: Status): unknown {
  return {
    status: { id: messageId, timestamp: String(timestamp), status, recipient_id: recipient },
  };
}
