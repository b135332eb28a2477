/**
 * A message as it is kept: its fields in a fixed order. Their names would be most of it, and are paid
 * for in time and memory with each message.
 *
 * @module
 */

import type { Remembered } from "./mod.ts";

/** See the head of this file. What was written in another order is not a row. */
export type Row = readonly [
  Remembered["message_id"],
  Remembered["to_addr"],
  Remembered["from_addr"],
  Remembered["transport_name"],
  Remembered["transport_type"],
  Remembered["timestamp"],
  Remembered["in_reply_to"],
  Remembered["provider"],
  Remembered["group"],
  Remembered["session_event"],
  Remembered["transport_metadata"],
];

const LENGTH = 11;

/** The row of a message, which may be more than is kept. */
export function toRow(message: Remembered): Row {
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

/** The message of a row. */
export function fromRow(row: Row): Remembered {
  const [message_id, to_addr, from_addr, transport_name, transport_type, ...rest] = row;
  const [timestamp, in_reply_to, provider, group, session_event, transport_metadata] = rest;
  return {
    message_id,
    to_addr,
    from_addr,
    transport_name,
    transport_type,
    timestamp,
    in_reply_to,
    provider,
    group,
    session_event,
    transport_metadata,
  };
}

/** Enough of a look to tell a row from anything else that may lie in its place. */
export function isRow(value: unknown): value is Row {
  return Array.isArray(value) && value.length === LENGTH;
}
