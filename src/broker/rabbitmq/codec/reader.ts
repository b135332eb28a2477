/**
 * Reading values of AMQP's field tables: what JavaScript has for them, in the form that amqplib gives
 * them. What it can't hold is read as well as can be, such as an integer beyond 2^53 rounded; a copy
 * of a message goes by the bytes, see raw_values.ts.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { FieldBytes } from "./raw_values.ts";

export type Table = Record<string, unknown>;

/** Deeper tables and arrays are left as bytes, so that no message can exhaust the stack. */
const MAX_DEPTH = 32;
/** Up to here a loop is faster than to ask for a decoder. */
const SHORT_TEXT = 24;
const TWO_32 = 2 ** 32;

/** Bytes that do not hold what they say. Caught in properties.ts. */
export class CorruptBytesError extends RangeError {
  override readonly name = "CorruptBytesError";
}

/** Reads bytes from front to end. Each method reads at {@linkcode at} and goes past it. */
export class ValueReader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  uint8(): number {
    const at = this.#pass(1);
    return this.bytes[at]!; // It is there: see #pass.
  }

  uint16(): number {
    const at = this.#pass(2);
    return this.bytes[at]! << 8 | this.bytes[at + 1]!;
  }

  uint32(): number {
    return this.#int32() >>> 0;
  }

  /** Eight bytes, unsigned; beyond 2^53 rounded. */
  uint64(): number {
    return this.uint32() * TWO_32 + this.uint32();
  }

  /** A text of up to 255 bytes. What is not UTF-8 in it becomes U+FFFD. */
  shortText(): string {
    return this.#text(this.uint8());
  }

  /** Reads headers up to `end` into `table`, so that those before a fault are there. */
  fields(end: number, table: Table, depth = 0): void {
    while (this.at < end) {
      const name = this.shortText();
      const value = this.value(depth);
      if (this.at > end) throw new CorruptBytesError(`a value exceeds its table`);
      setHeader(table, name, value);
    }
  }

  value(depth: number): unknown {
    switch (this.uint8()) {
      case 0x53: // S
        return this.#text(this.uint32());
      case 0x74: // t
        return this.uint8() !== 0;
      case 0x62: // b
        return this.uint8() << 24 >> 24;
      case 0x42: // B
        return this.uint8();
      case 0x73: // s
      case 0x55: // U
        return this.uint16() << 16 >> 16;
      case 0x75: // u
        return this.uint16();
      case 0x49: // I
        return this.#int32();
      case 0x69: // i
        return this.uint32();
      case 0x6c: // l
      case 0x4c: // L, which RabbitMQ takes for signed as well
        return this.#int32() * TWO_32 + this.uint32();
      case 0x64: // d
        return this.bytes.readDoubleBE(this.#pass(8));
      case 0x66: // f
        return this.bytes.readFloatBE(this.#pass(4));
      case 0x56: // V
        return null;
      case 0x54: // T
        return { "!": "timestamp", value: this.uint64() };
      case 0x44: // D
        return { "!": "decimal", value: { places: this.uint8(), digits: this.uint32() } };
      case 0x78: { // x
        const size = this.uint32();
        const at = this.#pass(size);
        return this.bytes.subarray(at, at + size);
      }
      case 0x46: // F
      case 0x41: // A
        return this.#nested(depth + 1);
      default:
        throw new CorruptBytesError("a value has an unknown type");
    }
  }

  #nested(depth: number): unknown {
    const begin = this.at - 1;
    const size = this.uint32();
    const end = this.at + size;
    if (size > this.left) throw new CorruptBytesError("a table or an array exceeds the bytes");
    if (depth > MAX_DEPTH) {
      this.at = end;
      return new FieldBytes(this.bytes.subarray(begin, end));
    }
    if (this.bytes[begin] === 0x46) {
      const table: Table = {};
      this.fields(end, table, depth);
      return table;
    }
    const list: unknown[] = [];
    while (this.at < end) list.push(this.value(depth));
    if (this.at > end) throw new CorruptBytesError("a value exceeds its array");
    return list;
  }

  #int32(): number {
    const at = this.#pass(4);
    const bytes = this.bytes;
    return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
  }

  #text(size: number): string {
    const at = this.#pass(size);
    if (size > SHORT_TEXT) return this.bytes.toString("utf8", at, at + size);
    let text = "";
    for (let index = at; index < at + size; index++) {
      const code = this.bytes[index]!;
      if (code > 127) return this.bytes.toString("utf8", at, at + size);
      text += String.fromCharCode(code);
    }
    return text;
  }

  /** Goes past so many bytes, and says where they begin. */
  #pass(size: number): number {
    const at = this.at;
    if (size > this.bytes.length - at) throw new CorruptBytesError("the bytes end too early");
    this.at = at + size;
    return at;
  }
}

/** What a value means; undefined if it can't be read. */
export function decodeValue({ bytes }: FieldBytes): unknown {
  try {
    return new ValueReader(bytes).value(0);
  } catch {
    return undefined;
  }
}

/** Sets a header, also one whose name an assignment would take for the object's prototype. */
export function setHeader(table: Table, name: string, value: unknown): void {
  if (name !== "__proto__") table[name] = value;
  else Object.defineProperty(table, name, { value, ...ORDINARY });
}

const ORDINARY = { enumerable: true, writable: true, configurable: true };
