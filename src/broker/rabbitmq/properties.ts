/**
 * What a message's properties are called, and what decoded ones have beside amqplib's: the bytes that
 * they came from. How they are read and written: amqp_codec.ts.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { MessageProperties } from "amqplib";
import type { Table } from "./decode.ts";

/** The header that names what was left out when a message was encoded, with commas between. */
export const LOST = "x-original-lost";
/** The header of a message whose properties can't be read, or not all of them: why. */
export const UNREADABLE = "x-original-unreadable";
/** The header that has their bytes then. */
export const UNREADABLE_BYTES = "x-original-properties";

/** Where decoded properties keep what they were decoded from. A symbol survives `{ ...properties }`. */
export const WIRE: unique symbol = Symbol("wire");
/** Where headers have further entries, in bytes, whose names JavaScript can't have or has already. */
export const UNNAMED: unique symbol = Symbol("unnamed");

/** What properties were decoded from. */
export interface Wire {
  /** The flags and the values. */
  readonly bytes: Buffer;
  /** The headers as they were decoded. */
  readonly headers: Table;
  /** Why nothing is decoded, if the message has ended connections; see amqp_wire_faults.ts. */
  readonly ended?: string;
}

/** Properties that {@linkcode decodeProperties} has read. */
export type WireProperties = MessageProperties & { [WIRE]?: Wire };

/** What properties may be made of. */
export type PropertyValues = Readonly<Partial<Record<keyof MessageProperties, unknown>>>;

/** How a property is written. */
export type PropertyKind = "text" | "table" | "octet" | "time";

/** In the order of the wire; the first has the highest of the flags' sixteen bits. */
export const PROPERTIES:
  readonly (readonly [keyof MessageProperties, wire: string, PropertyKind])[] = [
    ["contentType", "content_type", "text"],
    ["contentEncoding", "content_encoding", "text"],
    ["headers", "headers", "table"],
    ["deliveryMode", "delivery_mode", "octet"],
    ["priority", "priority", "octet"],
    ["correlationId", "correlation_id", "text"],
    ["replyTo", "reply_to", "text"],
    ["expiration", "expiration", "text"],
    ["messageId", "message_id", "text"],
    ["timestamp", "timestamp", "time"],
    ["type", "type", "text"],
    ["userId", "user_id", "text"],
    ["appId", "app_id", "text"],
    ["clusterId", "cluster_id", "text"],
  ];
