/**
 * The properties of a message, from the wire and to it. Neither way throws, whatever comes: amqplib's
 * own codec throws at what RabbitMQ takes, and ends the connection with that.
 *
 * Decoded properties keep their bytes, so that a copy can carry what JavaScript can't hold. Encoding
 * leaves out what can't be encoded, and names it in a header ({@linkcode ORIGINAL_HEADERS}`.lost`).
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { MessageProperties } from "amqplib";
import { ORIGINAL_HEADERS } from "../../headers.ts";
import { CorruptBytesError, setHeader, type Table, ValueReader } from "./reader.ts";
import { ByteWriter, writeField } from "./writer.ts";

/** Where decoded properties keep what they were decoded from. A symbol survives `{ ...properties }`. */
export const WIRE: unique symbol = Symbol("wire");
/** Where headers have further entries, in bytes, whose names JavaScript can't have or has already. */
export const UNNAMED: unique symbol = Symbol("unnamed");

export interface Wire {
  readonly bytes: Buffer;
  readonly headers: Table;
  /** Why nothing is decoded, if the message has ended connections; see poison_deliveries.ts. */
  readonly ended?: string;
}

export type WireProperties = MessageProperties & { [WIRE]?: Wire };

export type PropertyValues = Readonly<Partial<Record<keyof MessageProperties, unknown>>>;

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

/** The two lowest flags mean nothing to RabbitMQ. */
const FLAGS = 0xfffc;
/** Longest text in the header of what is lost, in characters. */
const MAX_LOST = 1000;

const { lost: LOST } = ORIGINAL_HEADERS;

/** Reads what is there. Where the bytes are not what they say, the rest is named in a header. */
export function decodeProperties(bytes: Buffer): WireProperties {
  const headers: Table = {};
  const properties = emptyProperties();
  properties[WIRE] = { bytes, headers };
  try {
    const reader = new ValueReader(bytes);
    const flags = reader.uint16() & FLAGS;
    if (flags !== 0) readProperties(reader, flags, properties, headers);
    if (reader.left > 0) throw new CorruptBytesError("there are more bytes than properties");
  } catch (error) {
    properties.headers = headers;
    noteUnreadable(headers, error, bytes);
  }
  return properties;
}

function noteUnreadable(headers: Table, error: unknown, bytes: Buffer): void {
  headers[ORIGINAL_HEADERS.unreadable] ??= error instanceof Error ? error.message : String(error);
  headers[ORIGINAL_HEADERS.properties] = bytes;
}

/** All of them from the start: objects of one shape are fast. */
function emptyProperties(): WireProperties {
  return {
    contentType: undefined,
    contentEncoding: undefined,
    headers: undefined,
    deliveryMode: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    expiration: undefined,
    messageId: undefined,
    timestamp: undefined,
    type: undefined,
    userId: undefined,
    appId: undefined,
    clusterId: undefined,
  };
}

function readProperties(
  reader: ValueReader,
  flags: number,
  properties: MessageProperties,
  headers: Table,
): void {
  if (flags & 0x8000) properties.contentType = reader.shortText();
  if (flags & 0x4000) properties.contentEncoding = reader.shortText();
  if (flags & 0x2000) {
    properties.headers = headers;
    readHeaders(reader, headers);
  }
  if (flags & 0x1000) properties.deliveryMode = reader.uint8();
  if (flags & 0x0800) properties.priority = reader.uint8();
  if (flags & 0x0400) properties.correlationId = reader.shortText();
  if (flags & 0x0200) properties.replyTo = reader.shortText();
  if (flags & 0x0100) properties.expiration = reader.shortText();
  if (flags & 0x0080) properties.messageId = reader.shortText();
  if (flags & 0x0040) properties.timestamp = reader.uint64();
  if (flags & 0x0020) properties.type = reader.shortText();
  if (flags & 0x0010) properties.userId = reader.shortText();
  if (flags & 0x0008) properties.appId = reader.shortText();
  if (flags & 0x0004) properties.clusterId = reader.shortText();
}

/** What follows them can be read also if they can't. */
function readHeaders(reader: ValueReader, headers: Table): void {
  const size = reader.uint32();
  if (size > reader.left) throw new CorruptBytesError("the headers exceed the bytes");
  const end = reader.at + size;
  try {
    reader.fields(end, headers);
  } catch (error) {
    noteUnreadable(headers, error, reader.bytes);
    reader.at = end;
  }
}

/**
 * Flags and values. A text may be given as its bytes, a header as {@linkcode FieldBytes}.
 *
 * @param limit Most bytes: the largest headers go until it fits.
 */
export function encodeProperties(properties: PropertyValues, limit = Infinity): Buffer {
  const lost: string[] = [];
  const bytes = writeProperties(properties, lost);
  if (lost.length === 0 && bytes.length <= limit) return bytes;
  return encodeWhatFits(properties, lost, limit);
}

function writeProperties(properties: PropertyValues, lost: string[]): Buffer {
  const writer = new ByteWriter();
  let flags = 0, flag = 0x8000;
  writer.uint16(0);
  for (const [name, wireName, kind] of PROPERTIES) {
    const value = properties[name];
    if (value !== undefined && value !== null) {
      if (writeProperty(writer, kind, value, lost)) flags |= flag;
      else lost.push(wireName);
    }
    flag >>>= 1;
  }
  const { bytes } = writer;
  bytes.writeUInt16BE(flags);
  return bytes;
}

function writeProperty(
  writer: ByteWriter,
  kind: PropertyKind,
  value: unknown,
  lost: string[],
): boolean {
  switch (kind) {
    case "table":
      return typeof value === "object" && value !== null && writeHeaders(writer, value, lost);
    case "text":
      return (typeof value === "string" || value instanceof Uint8Array) && writer.shortText(value);
    case "octet": {
      const octet = integerOf(value);
      if (octet === undefined || octet !== BigInt.asUintN(8, octet)) return false;
      writer.uint8(Number(octet));
      return true;
    }
    case "time": {
      const time = integerOf(value);
      if (time === undefined || time !== BigInt.asUintN(64, time)) return false;
      writer.uint64(time);
      return true;
    }
  }
}

function writeHeaders(writer: ByteWriter, headers: object, lost: string[]): true {
  const begin = writer.length;
  writer.uint32(0);
  // Also those that are inherited: amqplib hands an object on that inherits what it was given.
  for (const name in headers) {
    const value: unknown = Reflect.get(headers, name);
    if (value === undefined || writeField(writer, name, value)) continue;
    lost.push(`headers.${name}`);
  }
  const { [UNNAMED]: unnamed }: { [UNNAMED]?: unknown } = headers;
  if (unnamed instanceof Uint8Array) writer.raw(unnamed);
  writer.uint32At(begin, writer.length - begin - 4);
  return true;
}

/** Tells what is lost, and leaves out the largest headers until the rest fits. */
function encodeWhatFits(
  properties: PropertyValues,
  lost: readonly string[],
  limit: number,
): Buffer {
  const { headers, sizes } = encodable(properties.headers);
  const names = [...typeof headers[LOST] === "string" ? [headers[LOST]] : [], ...lost];
  for (;;) {
    if (names.length > 0) headers[LOST] = names.join(",").slice(0, MAX_LOST);
    const bytes = writeProperties({ ...properties, headers }, []);
    let excess = bytes.length - limit;
    if (excess <= 0 || sizes.length === 0) return bytes;
    while (excess > 0) {
      const [name, size] = sizes.pop() ?? [LOST, Infinity];
      delete headers[name];
      names.push(name === UNNAMED ? "headers" : `headers.${name}`);
      excess -= size;
    }
  }
}

type Name = string | typeof UNNAMED;

/** Those headers that can be encoded, with their sizes, the largest last. */
function encodable(given: unknown) {
  const headers: Record<Name, unknown> = { [UNNAMED]: undefined };
  const sizes: [name: Name, size: number][] = [];
  if (typeof given !== "object" || given === null) return { headers, sizes };
  const writer = new ByteWriter();
  for (const name in given) {
    const begin = writer.length;
    const value: unknown = Reflect.get(given, name);
    if (value === undefined || !writeField(writer, name, value)) continue;
    setHeader(headers, name, value);
    if (name !== LOST) sizes.push([name, writer.length - begin]);
  }
  const { [UNNAMED]: unnamed }: { [UNNAMED]?: unknown } = given;
  if (unnamed instanceof Uint8Array) {
    headers[UNNAMED] = unnamed;
    sizes.push([UNNAMED, unnamed.length]);
  }
  sizes.sort(([, a], [, b]) => a - b);
  return { headers, sizes };
}

/** A whole number, whichever way JavaScript has it. */
function integerOf(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : undefined;
}
