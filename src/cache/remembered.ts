// A message as it is kept: its fields in a fixed order. Their names would be most of it, and are paid
// for in time and memory with each message.

import type { Message } from "../vumi/mod.ts";

/** What a reply or a status needs, and an operator who looks for a message. */
const FIELDS = [
  "message_id",
  "to_addr",
  "from_addr",
  "transport_name",
  "transport_type",
  "timestamp",
  "in_reply_to",
  "provider",
  "group",
  "session_event",
  "transport_metadata",
] as const;

/**
 * What is kept of a message: neither what people wrote nor metadata that belongs to others is, if a whole
 * message is put.
 * @internal The list, which it comes from, needs no export.
 */
export type Remembered = Pick<Message, (typeof FIELDS)[number]>;

/** Where in a row the timestamp is. Timestamps compare as texts. */
export const TIMESTAMP_PLACE: number = FIELDS.indexOf("timestamp");

/** What is kept of a message. */
export function remembered(message: Remembered): Remembered {
  return fromRow(toRow(message)) ?? message;
}

/** The row of a message, which may be more than is kept. */
export function toRow(message: Remembered): readonly unknown[] {
  return FIELDS.map((field) => message[field]);
}

/** The message of a row; undefined if it is none. */
export function fromRow(row: unknown): Remembered | undefined {
  if (!Array.isArray(row) || row.length !== FIELDS.length) return undefined;
  const message: Record<string, unknown> = {};
  for (const [index, field] of FIELDS.entries()) message[field] = row[index];
  return message as Remembered; // What toRow() made of one.
}

/** A point in time in the form of vumi's timestamps. */
export function timestampAt(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", "000");
}
