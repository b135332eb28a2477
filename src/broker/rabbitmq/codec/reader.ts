// Reading values of AMQP's field tables: what JavaScript has for them, in the form that amqplib gives
// them. What it can't hold is read as well as can be, such as an integer beyond 2^53 rounded; a copy
// of a message goes by the bytes, see raw_values.ts.

import type { Buffer } from "node:buffer";
import {
  ARRAY,
  FieldBytes,
  isType,
  LENGTH_SIZE,
  readInt32,
  readUint32,
  sizeAt,
  TABLE,
} from "./raw_values.ts";

export type Table = Record<string, unknown>;

/** Deeper tables and arrays are left as bytes, so that no message can exhaust the stack. */
const MAX_DEPTH = 32;
/** Up to here a loop is faster than to ask for a decoder. */
const SHORT_TEXT = 24;
const TWO_32 = 2 ** 32;

/** Reads headers from `at` up to `end` into `table`, so that those before a fault are there. */
export function readFields(bytes: Buffer, at: number, end: number, table: Table, depth = 0): void {
  while (at < end) {
    const valueAt = at + 1 + bytes[at]!; // It is there: the end is within the bytes.
    const next = endOf(bytes, valueAt, end);
    setHeader(table, readText(bytes, at + 1, valueAt), readValue(bytes, valueAt, next, depth));
    at = next;
  }
}

/** What a value means; undefined if it can't be read. */
export function decodeValue({ bytes }: FieldBytes): unknown {
  try {
    return readValue(bytes, 0, endOf(bytes, 0, bytes.length), 0);
  } catch {
    return undefined;
  }
}

/**
 * Where the value ends that begins at `at`, which is before `end` in sound bytes.
 * @throws {RangeError} If the bytes do not hold what they say; caught in properties.ts.
 */
function endOf(bytes: Buffer, at: number, end: number): number {
  const size = sizeAt(bytes, at, end);
  if (size !== undefined) return at + size;
  const isKnown = at >= end || isType(bytes[at]);
  throw new RangeError(isKnown ? "a value exceeds its table" : "a value has an unknown type");
}

/** Reads the value from its letter to its end. */
function readValue(bytes: Buffer, at: number, end: number, depth: number): unknown {
  const start = at + 1;
  switch (bytes[at]) {
    case 0x53: // S
      return readText(bytes, start + LENGTH_SIZE, end);
    case 0x74: // t
      return bytes[start] !== 0;
    case 0x62: // b
      return bytes[start]! << 24 >> 24;
    case 0x42: // B
      return bytes[start];
    case 0x73: // s
    case 0x55: // U
      return bytes.readInt16BE(start);
    case 0x75: // u
      return bytes.readUInt16BE(start);
    case 0x49: // I
      return readInt32(bytes, start);
    case 0x69: // i
      return readUint32(bytes, start);
    case 0x6c: // l
    case 0x4c: // L, which RabbitMQ takes for signed as well
      return readInt32(bytes, start) * TWO_32 + readUint32(bytes, start + 4);
    case 0x64: // d
      return bytes.readDoubleBE(start);
    case 0x66: // f
      return bytes.readFloatBE(start);
    case 0x54: // T
      return { "!": "timestamp", value: readUint64(bytes, start) };
    case 0x44: { // D
      const value = { places: bytes[start], digits: readUint32(bytes, start + 1) };
      return { "!": "decimal", value };
    }
    case 0x78: // x
      return bytes.subarray(start + LENGTH_SIZE, end);
    case TABLE:
    case ARRAY:
      return readNested(bytes, at, end, depth + 1);
    default: // V: no other type has a size.
      return null;
  }
}

function readNested(bytes: Buffer, at: number, end: number, depth: number): unknown {
  if (depth > MAX_DEPTH) return new FieldBytes(bytes.subarray(at, end));
  let next = at + 1 + LENGTH_SIZE;
  if (bytes[at] === TABLE) {
    const table: Table = {};
    readFields(bytes, next, end, table, depth);
    return table;
  }
  const list: unknown[] = [];
  while (next < end) {
    const valueAt = next;
    next = endOf(bytes, valueAt, end);
    list.push(readValue(bytes, valueAt, next, depth));
  }
  return list;
}

/** A text; what is not UTF-8 in it becomes U+FFFD. */
export function readText(bytes: Buffer, at: number, end: number): string {
  if (end - at > SHORT_TEXT) return bytes.toString("utf8", at, end);
  let text = "";
  for (let index = at; index < end; index++) {
    const code = bytes[index]!; // It is there: both ends are within the bytes.
    if (code > 127) return bytes.toString("utf8", at, end);
    text += String.fromCharCode(code);
  }
  return text;
}

/** Eight bytes, unsigned; beyond 2^53 rounded. */
export function readUint64(bytes: Buffer, at: number): number {
  return readUint32(bytes, at) * TWO_32 + readUint32(bytes, at + 4);
}

/** Sets a header, also one whose name an assignment would take for the object's prototype. */
export function setHeader(table: Table, name: string, value: unknown): void {
  if (name !== "__proto__") table[name] = value;
  else Object.defineProperty(table, name, { value, ...ORDINARY });
}

const ORDINARY = { enumerable: true, writable: true, configurable: true };
