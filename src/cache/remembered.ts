/**
 * A message as it is kept: its fields in a fixed order. Their names would be most of it, and are paid
 * for in time and memory with each message.
 *
 * @module
 */

import type { Message } from "../vumi/mod.ts";

/** What is kept of a message, in the order of a row: that of rows already stored. */
export const REMEMBERED_FIELDS = [
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
] as const satisfies readonly (keyof Message)[];

/**
 * What is kept of a message: what a reply or a status needs, and an operator who looks for it. Neither
 * what people wrote nor metadata that belongs to others is, if a whole message is put.
 */
export type Remembered = Pick<Message, (typeof REMEMBERED_FIELDS)[number]>;

/** The row of a message, which may be more than is kept. */
export function toRow(message: Remembered): readonly unknown[] {
  return REMEMBERED_FIELDS.map((field) => message[field]);
}

/** The message of a row; undefined if it is none. */
export function fromRow(row: unknown): Remembered | undefined {
  if (!Array.isArray(row) || row.length !== REMEMBERED_FIELDS.length) return undefined;
  const message: Record<string, unknown> = {};
  for (const [index, field] of REMEMBERED_FIELDS.entries()) message[field] = row[index];
  return message as Remembered; // What toRow() made of one.
}
