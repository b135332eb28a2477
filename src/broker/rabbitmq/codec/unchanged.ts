/**
 * The properties for a copy of a message: bytes in place of all that would change by being decoded and
 * encoded again. What was changed or added meanwhile is as it is now.
 *
 * @module
 */

import type { MessageProperties } from "amqplib";
import { Buffer } from "node:buffer";
import { setHeader, type Table } from "./reader.ts";
import { entriesOf, type Entry } from "./raw_values.ts";
import { ORIGINAL_HEADERS } from "../../headers.ts";
import {
  decodeProperties,
  PROPERTIES,
  type PropertyKind,
  type PropertyValues,
  UNNAMED,
  WIRE,
  type Wire,
  type WireProperties,
} from "./properties.ts";

const { lost: LOST } = ORIGINAL_HEADERS;

type Raw = Partial<Record<keyof MessageProperties, Buffer>>;

/** The properties, to be encoded. Those that {@linkcode decodeProperties} has not read stay as they are. */
export function unchanged(
  properties: WireProperties,
): PropertyValues & { readonly headers?: Table } {
  const { [WIRE]: wire, headers, ...values } = properties;
  if (wire?.ended) return unchanged(decodeProperties(wire.bytes));
  const raw = wire ? rawProperties(wire.bytes) : {};
  const own = { ...values, ...unchangedValues(properties, raw) };
  if (!headers) return own;
  return { ...own, headers: wire ? unchangedHeaders(headers, wire, raw) : headers };
}

/** What RabbitMQ notes for one queue only: how often it has handed the message out. */
export const COUNTS: readonly string[] = ["x-delivery-count", "x-acquired-count"];

/** The bytes of each property, without the length of a text or of the headers. */
export function rawProperties(bytes: Buffer): Raw {
  const raw: Raw = {};
  const flags = bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
  let at = 2, flag = 0x8000;
  for (const [name, , kind] of PROPERTIES) {
    if (flags & flag) {
      if (kind === "table" && at + 4 > bytes.length) break;
      const size = sizeAt(bytes, at, kind);
      at += { text: 1, table: 4, octet: 0, time: 0 }[kind] + size;
      if (at > bytes.length) break;
      raw[name] = bytes.subarray(at - size, at);
    }
    flag >>>= 1;
  }
  return raw;
}

function sizeAt(bytes: Buffer, at: number, kind: PropertyKind): number {
  if (kind === "text") return bytes[at] ?? 0;
  if (kind === "table") return bytes.readUInt32BE(at);
  return kind === "octet" ? 1 : 8;
}

/** The values that JavaScript can't hold. */
function unchangedValues(properties: MessageProperties, raw: Raw): Omit<PropertyValues, "headers"> {
  const values: Partial<Record<Exclude<keyof MessageProperties, "headers">, unknown>> = {};
  for (const [name, , kind] of PROPERTIES) {
    if (name === "headers") continue;
    const value: unknown = properties[name];
    const bytes = raw[name];
    if (bytes === undefined) continue;
    if (kind === "text" && typeof value === "string" && value.includes("\ufffd")) {
      if (value === bytes.toString()) values[name] = bytes;
    } else if (kind === "time" && typeof value === "number" && !Number.isSafeInteger(value)) {
      const time = bytes.readBigUInt64BE(0);
      if (Number(time) === value) values[name] = time;
    }
  }
  return values;
}

function unchangedHeaders(
  headers: Table,
  wire: Wire,
  { headers: table = Buffer.alloc(0) }: Raw,
): Table {
  const { named, unnamed, lost } = sorted(entriesOf(table));
  const result: Table = {};
  for (const [name, value] of Object.entries(headers)) {
    const entry = name === LOST ? undefined : named.get(name);
    const isUnchanged = Object.hasOwn(wire.headers, name) && Object.is(wire.headers[name], value);
    if (isUnchanged && !entry && unnamed.some((other) => other.name === name)) continue;
    setHeader(result, name, entry && isUnchanged ? entry.value : value);
  }
  const losses = lost.filter((name) => Object.hasOwn(result, name));
  if (losses.length > 0) {
    const before = typeof result[LOST] === "string" ? [result[LOST]] : [];
    result[LOST] = [...before, ...losses.map((name) => `headers.${name}`)].join(",");
  }
  if (unnamed.length === 0) return result;
  return { ...result, [UNNAMED]: Buffer.concat(unnamed.map(({ bytes }) => bytes)) };
}

/** Of several headers of one name, which RabbitMQ allows, only the last is read and can be kept. */
function sorted(entries: readonly Entry[]) {
  const named = new Map<string, Entry>();
  const unnamed: Entry[] = [];
  const lost: string[] = [];
  for (const entry of entries) {
    if (!entry.named) unnamed.push(entry);
    else {
      if (named.has(entry.name)) lost.push(entry.name);
      named.set(entry.name, entry);
    }
  }
  return { named, unnamed, lost };
}
