// The properties of a message, from the wire and to it. Neither way throws, whatever comes: amqplib's
// own codec throws at what RabbitMQ takes, and ends the connection with that.
//
// Decoded properties keep their bytes, so that a copy can carry what JavaScript can't hold. Encoding
// leaves out what can't be encoded, and names it in a header (`ORIGINAL_HEADERS.lost`).

import { Buffer } from "node:buffer";
import type { MessageProperties } from "amqplib";
import { ORIGINAL_HEADERS } from "../../headers.ts";
import { LENGTH_SIZE, readUint32 } from "./raw_values.ts";
import { readFields, readText, readUint64, type Table } from "./reader.ts";
import { ByteWriter, writeField } from "./writer.ts";

/** Where decoded properties keep what they were decoded from. A symbol survives `{ ...properties }`. */
export const WIRE: unique symbol = Symbol("wire");
/** Where headers have further entries, in bytes, whose names JavaScript can't have or has already. */
export const UNNAMED: unique symbol = Symbol("unnamed");

interface Wire {
  readonly bytes: Buffer;
  readonly headers: Table;
  /** Why nothing is decoded, if the message has ended connections; see poison_deliveries.ts. */
  readonly ended?: string;
}

export type WireProperties = MessageProperties & { [WIRE]?: Wire };

type Name = keyof MessageProperties;
type Kind = "text" | "table" | "octet" | "time";

export type PropertyValues = Readonly<Partial<Record<Name, unknown>>>;

/** In the order of the wire, and so of their flags. */
const NAMES: readonly (readonly [name: Name, wireName: string, kind: Kind])[] = [
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

const PROPERTIES = NAMES.map(([name, wireName, kind], index) => ({
  name,
  wireName,
  kind,
  flag: 0x8000 >>> index,
}));

/** Properties that are all undefined: objects of one shape are fast. */
const NONE: MessageProperties = Object.fromEntries(NAMES.map(([name]) => [name]));

const MAX_LOST = 1000;
const { lost: LOST } = ORIGINAL_HEADERS;

/** Reads what is there. Where the bytes are not what they say, the rest is named in a header. */
export function decodeProperties(bytes: Buffer): WireProperties {
  const headers: Table = {};
  const properties: WireProperties = { ...NONE, [WIRE]: { bytes, headers } };
  const fault = eachProperty(bytes, (name, kind, at, end) => {
    if (kind === "text") properties[name] = readText(bytes, at, end);
    else if (kind === "octet") properties[name] = bytes[at];
    else if (kind === "time") properties[name] = readUint64(bytes, at);
    else {
      properties.headers = headers;
      readHeaders(bytes, at, end, headers);
    }
  });
  if (fault !== undefined) {
    properties.headers = headers;
    noteUnreadable(headers, fault, bytes);
  }
  return properties;
}

/** Calls back with the place of each property that is all there. Answers what is wrong, if anything. */
export function eachProperty(
  bytes: Buffer,
  take: (name: Name, kind: Kind, at: number, end: number) => void,
): string | undefined {
  if (bytes.length < 2) return "the bytes end too early";
  const flags = bytes[0]! << 8 | bytes[1]!;
  let at = 2;
  for (const { name, kind, flag } of PROPERTIES) {
    if ((flags & flag) === 0) continue;
    const start = at + (kind === "text" ? 1 : kind === "table" ? LENGTH_SIZE : 0);
    if (start > bytes.length) return "the bytes end too early";
    const end = start + contentSize(bytes, at, kind);
    if (end > bytes.length) {
      return kind === "table" ? "the headers exceed the bytes" : "the bytes end too early";
    }
    take(name, kind, start, end);
    at = end;
  }
  return at < bytes.length ? "there are more bytes than properties" : undefined;
}

function contentSize(bytes: Buffer, at: number, kind: Kind): number {
  switch (kind) {
    case "text":
      return bytes[at]!;
    case "table":
      return readUint32(bytes, at);
    case "octet":
      return 1;
    case "time":
      return 8;
  }
}

/** Reads the headers. If they can't be read, what follows them still can. */
function readHeaders(bytes: Buffer, at: number, end: number, headers: Table): void {
  try {
    readFields(bytes, at, end, headers);
  } catch (error) {
    noteUnreadable(headers, error instanceof Error ? error.message : String(error), bytes);
  }
}

function noteUnreadable(headers: Table, fault: string, bytes: Buffer): void {
  headers[ORIGINAL_HEADERS.unreadable] ??= fault;
  headers[ORIGINAL_HEADERS.properties] = bytes;
}

/**
 * Flags and values. A text may be given as its bytes, a header as {@linkcode FieldBytes}.
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
  let flags = 0;
  writer.uint16(0);
  for (const { name, wireName, kind, flag } of PROPERTIES) {
    const value = properties[name];
    if (value === undefined || value === null) continue;
    if (writeProperty(writer, kind, value, lost)) flags |= flag;
    else lost.push(wireName);
  }
  const { bytes } = writer;
  bytes.writeUInt16BE(flags);
  return bytes;
}

function writeProperty(
  writer: ByteWriter,
  kind: Kind,
  value: unknown,
  lost: string[],
): boolean {
  switch (kind) {
    case "table":
      return typeof value === "object" && value !== null && writeHeaders(writer, value, lost);
    case "text":
      return (typeof value === "string" || value instanceof Uint8Array) && writer.shortText(value);
    case "octet":
      return writeInteger(writer, 8, value);
    case "time":
      return writeInteger(writer, 64, value);
  }
}

function writeInteger(writer: ByteWriter, bits: 8 | 64, value: unknown): boolean {
  const isNumber = typeof value === "number" && Number.isInteger(value);
  if (!isNumber && typeof value !== "bigint") return false;
  const integer = BigInt(value);
  if (integer !== BigInt.asUintN(bits, integer)) return false;
  if (bits === 8) writer.uint8(Number(integer));
  else writer.uint64(integer);
  return true;
}

interface UnknownHeaders {
  readonly [LOST]?: unknown;
  readonly [UNNAMED]?: unknown;
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
  const { [UNNAMED]: unnamed }: UnknownHeaders = headers;
  if (unnamed instanceof Uint8Array) writer.raw(unnamed);
  writer.uint32At(begin, writer.length - begin - LENGTH_SIZE);
  return true;
}

/** Names what is lost, and leaves out the largest headers until the rest fits. */
function encodeWhatFits(
  properties: PropertyValues,
  lost: readonly string[],
  limit: number,
): Buffer {
  const { fields, before } = encodedHeaders(properties.headers);
  const names = [...before, ...lost];
  for (;;) {
    const all = fields.map(({ bytes }) => bytes);
    if (names.length > 0) all.push(encodeField(LOST, names.join(",").slice(0, MAX_LOST)));
    const headers = { [UNNAMED]: Buffer.concat(all) };
    const bytes = writeProperties({ ...properties, headers }, []);
    let excess = bytes.length - limit;
    if (excess <= 0 || fields.length === 0) return bytes;
    fields.sort((a, b) => a.bytes.length - b.bytes.length);
    for (let field; excess > 0 && (field = fields.pop()); excess -= field.bytes.length) {
      names.push(field.name);
    }
  }
}

/** The headers that can be encoded, and what the last copy has lost. */
function encodedHeaders(headers: unknown) {
  const fields: { readonly name: string; readonly bytes: Uint8Array }[] = [];
  if (typeof headers !== "object" || headers === null) return { fields, before: [] };
  for (const name in headers) {
    const bytes = encodeField(name, Reflect.get(headers, name));
    if (name !== LOST && bytes.length > 0) fields.push({ name: `headers.${name}`, bytes });
  }
  const { [LOST]: before, [UNNAMED]: unnamed }: UnknownHeaders = headers;
  if (unnamed instanceof Uint8Array) fields.push({ name: "headers", bytes: unnamed });
  return { fields, before: typeof before === "string" ? [before] : [] };
}

/** One header; no bytes if it can't be encoded. */
function encodeField(name: string, value: unknown): Uint8Array {
  const writer = new ByteWriter();
  writeField(writer, name, value);
  return writer.bytes;
}
