// Writing AMQP's values into bytes that grow as needed: plain ones, and those of field tables with the
// letters of their types, which are JavaScript's own or bytes that came so. What can't be written is
// refused with `false`, and leaves nothing behind; nothing throws.

import { Buffer } from "node:buffer";
import { FieldBytes, isSendable, LENGTH_SIZE } from "./raw_values.ts";

/** Deeper values of JavaScript's are refused; bytes may be nested as deep as they are. */
const MAX_DEPTH = 64;
const MAX_SHORT = 255;
const SHORT_TEXT = 64;

/** Writes one value after the other; of an integer the low bits. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(512);
  /** How much was written. What was written after a length is forgotten when it is set back to it. */
  length = 0;

  /** What was written. It is good until more is written. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  letter(letter: string): void {
    this.uint8(letter.charCodeAt(0));
  }

  uint8(value: number): void {
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  uint16(value: number): void {
    const at = this.#room(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  uint32(value: number): void {
    this.uint32At(this.#room(4), value);
  }

  /** Writes over what was written. */
  uint32At(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  uint64(value: bigint): void {
    const at = this.#room(8);
    this.#bytes.writeBigUInt64BE(BigInt.asUintN(64, value), at);
  }

  double(value: number): void {
    const at = this.#room(8);
    this.#bytes.writeDoubleBE(value, at);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** A text with its length in four bytes. */
  longText(text: string): void {
    const size = Buffer.byteLength(text);
    this.uint32(size);
    this.#text(text, size);
  }

  /** A text or its bytes, with the length in one byte; false, and nothing, if it is too long. */
  shortText(text: string | Uint8Array): boolean {
    const size = typeof text === "string" ? Buffer.byteLength(text) : text.length;
    if (size > MAX_SHORT) return false;
    this.uint8(size);
    if (typeof text === "string") this.#text(text, size);
    else this.raw(text);
    return true;
  }

  #text(text: string, size: number): void {
    const at = this.#room(size);
    const bytes = this.#bytes;
    // Short ASCII in a loop: to ask Deno's Buffer takes twice as long for all of a message.
    if (size > SHORT_TEXT || size !== text.length) bytes.write(text, at, size, "utf8");
    else for (let index = 0; index < size; index++) bytes[at + index] = text.charCodeAt(index);
  }

  /** Makes room for so many bytes, and says where it is. */
  #room(size: number): number {
    const at = this.length;
    const length = at + size;
    if (length > this.#bytes.length) {
      const bytes = Buffer.allocUnsafe(Math.max(length, this.#bytes.length * 2));
      this.#bytes.copy(bytes, 0, 0, at);
      this.#bytes = bytes;
    }
    this.length = length;
    return at;
  }
}

/** Writes one header; false, and nothing, if it can't be written. */
export function writeField(writer: ByteWriter, name: string, value: unknown, depth = 0): boolean {
  const begin = writer.length;
  if (writer.shortText(name) && writeValue(writer, value, depth)) return true;
  writer.length = begin;
  return false;
}

function writeValue(writer: ByteWriter, value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
      writer.letter("S");
      writer.longText(value);
      return true;
    case "number":
      return writeNumber(writer, value);
    case "boolean":
      writer.letter("t");
      writer.uint8(value ? 1 : 0);
      return true;
    case "object":
      return writeObject(writer, value, depth);
    default:
      return false;
  }
}

/** The shortest integer that holds it, as other clients do; else a double. */
function writeNumber(writer: ByteWriter, value: number): boolean {
  // RabbitMQ ends the connection over one that is infinite or none.
  if (!Number.isFinite(value)) return false;
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 63) {
    writer.letter("d");
    writer.double(value);
  } else if (isWithin(value, 7)) {
    writer.letter("b");
    writer.uint8(value);
  } else if (isWithin(value, 15)) {
    writer.letter("s");
    writer.uint16(value);
  } else if (isWithin(value, 31)) {
    writer.letter("I");
    writer.uint32(value);
  } else {
    writer.letter("l");
    writer.uint64(BigInt(value));
  }
  return true;
}

function isWithin(value: number, bits: number): boolean {
  return value >= -(2 ** bits) && value < 2 ** bits;
}

function writeObject(writer: ByteWriter, value: object | null, depth: number): boolean {
  if (value === null) {
    writer.letter("V");
    return true;
  }
  if (value instanceof FieldBytes) {
    const sendable = isSendable(value);
    if (sendable) writer.raw(value.bytes);
    return sendable;
  }
  if (value instanceof Uint8Array) {
    writer.letter("x");
    writer.uint32(value.length);
    writer.raw(value);
    return true;
  }
  return depth <= MAX_DEPTH && writeNested(writer, value, depth + 1);
}

function writeNested(writer: ByteWriter, value: object, depth: number): boolean {
  const isArray = Array.isArray(value);
  writer.letter(isArray ? "A" : "F");
  const sizeAt = writer.length;
  writer.uint32(0);
  const isWritten = isArray
    ? value.every((each) => writeValue(writer, each, depth))
    : Object.entries(value).every(([name, each]) =>
      each === undefined || writeField(writer, name, each, depth)
    );
  writer.uint32At(sizeAt, writer.length - sizeAt - LENGTH_SIZE);
  return isWritten;
}
