// A message as it is kept: its fields in a fixed order. Their names would be most of it, and are paid
// for in time and memory with each message; so would be a loop over them, which takes ten times as long.

import type { Message } from "../vumi/mod.ts";

/**
 * What is kept of a message: what a reply or a status needs, and an operator who looks for it. Neither
 * what people wrote nor metadata that belongs to others is, if a whole message is put.
 */
export type Remembered = Pick<
  Message,
  | "message_id"
  | "to_addr"
  | "from_addr"
  | "transport_name"
  | "transport_type"
  | "timestamp"
  | "in_reply_to"
  | "provider"
  | "group"
  | "session_event"
  | "transport_metadata"
>;

/** The row of a message, which may be more than is kept. */
export function toRow(message: Remembered): readonly unknown[] {
  return [
    message.message_id,
    message.to_addr,
    message.from_addr,
    message.transport_name,
    message.transport_type,
    message.timestamp,
    message.in_reply_to,
    message.provider,
    message.group,
    message.session_event,
    message.transport_metadata,
  ];
}

/** The message of a row; undefined if it is none. */
export function fromRow(row: unknown): Remembered | undefined {
  if (!Array.isArray(row) || row.length !== 11) return undefined;
  return {
    message_id: row[0],
    to_addr: row[1],
    from_addr: row[2],
    transport_name: row[3],
    transport_type: row[4],
    timestamp: row[5],
    in_reply_to: row[6],
    provider: row[7],
    group: row[8],
    session_event: row[9],
    transport_metadata: row[10],
  } as Remembered; // What toRow() made of one.
}
