// The properties for a copy of a message: bytes in place of all that would change by being decoded and
// encoded again. What was changed or added meanwhile is as it is now.

import type { MessageProperties } from "amqplib";
import { Buffer } from "node:buffer";
import { setHeader, type Table } from "./reader.ts";
import { type HeaderField, headerFieldsOf } from "./raw_values.ts";
import { ORIGINAL_HEADERS } from "../../headers.ts";
import {
  decodeProperties,
  eachProperty,
  type PropertyValues,
  UNNAMED,
  WIRE,
  type WireProperties,
} from "./properties.ts";

const { lost: LOST } = ORIGINAL_HEADERS;

/** What RabbitMQ notes for one queue only: how often it has handed the message out. */
export const COUNTS: readonly string[] = ["x-delivery-count", "x-acquired-count"];

/** The properties, to be encoded. Those that {@linkcode decodeProperties} has not read stay as they are. */
export function unchanged(
  properties: WireProperties,
): PropertyValues & { readonly headers?: Table | undefined } {
  const { [WIRE]: wire, headers, ...values } = properties;
  if (!wire) return properties;
  if (wire.ended) return unchanged(decodeProperties(wire.bytes));
  const own: Record<string, unknown> = values;
  let table: Buffer = Buffer.alloc(0);
  eachProperty(wire.bytes, (name, kind, at, end) => {
    const value = own[name];
    if (kind === "table") table = wire.bytes.subarray(at, end);
    else if (kind === "time" && value === Number(wire.bytes.readBigUInt64BE(at))) {
      own[name] = wire.bytes.readBigUInt64BE(at);
    } else if (kind === "text" && typeof value === "string" && value.includes("\ufffd")) {
      const bytes = wire.bytes.subarray(at, end);
      if (value === bytes.toString()) own[name] = bytes;
    }
  });
  return headers ? { ...own, headers: unchangedHeaders(headers, wire.headers, table) } : own;
}

/** The bytes of each property, without the length of a text or of the headers. */
export function rawProperties(bytes: Buffer): Partial<Record<keyof MessageProperties, Buffer>> {
  const raw: ReturnType<typeof rawProperties> = {};
  eachProperty(bytes, (name, _kind, at, end) => void (raw[name] = bytes.subarray(at, end)));
  return raw;
}

function unchangedHeaders(headers: Table, decoded: Table, table: Buffer): Table {
  const named = new Map<string, HeaderField>();
  const unnamed: HeaderField[] = [];
  const lost: string[] = [];
  // Of several headers of one name, which RabbitMQ allows, only the last is read and can be kept.
  for (const field of headerFieldsOf(table)) {
    if (!field.named) unnamed.push(field);
    else {
      if (named.has(field.name)) lost.push(field.name);
      named.set(field.name, field);
    }
  }
  const result: Table = {};
  for (const [name, value] of Object.entries(headers)) {
    const field = name === LOST ? undefined : named.get(name);
    const isUnchanged = Object.hasOwn(decoded, name) && Object.is(decoded[name], value);
    if (isUnchanged && !field && unnamed.some((other) => other.name === name)) continue;
    setHeader(result, name, field && isUnchanged ? field.value : value);
  }
  const losses = lost.filter((name) => Object.hasOwn(result, name));
  if (losses.length > 0) {
    const before = typeof result[LOST] === "string" ? [result[LOST]] : [];
    result[LOST] = [...before, ...losses.map((name) => `headers.${name}`)].join(",");
  }
  if (unnamed.length === 0) return result;
  return { ...result, [UNNAMED]: Buffer.concat(unnamed.map(({ bytes }) => bytes)) };
}
