/**
 * Writing values of AMQP's field tables: JavaScript's own, those that amqplib marks with a type, and
 * bytes that came so. What can't be written is refused with `false`, and leaves nothing behind;
 * nothing throws.
 *
 * @module
 */

import type { ByteWriter } from "./byte_writer.ts";
import { FieldBytes, isSendable } from "./raw_values.ts";

/** Deeper values of JavaScript's are refused; bytes may be nested as deep as they are. */
const MAX_DEPTH = 64;

/** The letters for the names with which amqplib marks a value: `{ "!": name, value }`. */
const MARKS: Readonly<Record<string, string>> = {
  byte: "b",
  int8: "b",
  unsignedbyte: "B",
  uint8: "B",
  short: "s",
  int16: "s",
  unsignedshort: "u",
  uint16: "u",
  int: "I",
  int32: "I",
  unsignedint: "i",
  uint32: "i",
  long: "l",
  int64: "l",
  timestamp: "T",
  float: "f",
  double: "d",
  float64: "d",
};

/** The types of integers: how many bits, and whether one is the sign. */
const INTEGERS: Readonly<Record<string, readonly [bits: 8 | 16 | 32 | 64, signed: boolean]>> = {
  b: [8, true],
  B: [8, false],
  s: [16, true],
  u: [16, false],
  I: [32, true],
  i: [32, false],
  l: [64, true],
  T: [64, false],
};

/** Writes one header. */
export function writeField(writer: ByteWriter, name: string, value: unknown, depth = 0): boolean {
  const begin = writer.length;
  if (writer.shortText(name) && writeValue(writer, value, depth)) return true;
  writer.cut(begin);
  return false;
}

/** Writes a value with its letter. */
function writeValue(writer: ByteWriter, value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
      writeLetter(writer, "S");
      writer.longText(value);
      return true;
    case "number":
      return writeNumber(writer, value);
    case "bigint":
      return writeInteger(writer, "l", value);
    case "boolean":
      writeLetter(writer, "t");
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
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 63) {
    return writeFloat(writer, "d", value);
  }
  const letter = isWithin(value, 7) ? "b" : isWithin(value, 15) ? "s" : "I";
  return writeInteger(writer, isWithin(value, 31) ? letter : "l", value);
}

function isWithin(value: number, bits: number): boolean {
  return value >= -(2 ** bits) && value < 2 ** bits;
}

function writeObject(writer: ByteWriter, value: object | null, depth: number): boolean {
  if (value === null) {
    writeLetter(writer, "V");
    return true;
  }
  if (value instanceof FieldBytes) {
    const sendable = isSendable(value);
    if (sendable) writer.raw(value.bytes);
    return sendable;
  }
  if (value instanceof Uint8Array) {
    writeLetter(writer, "x");
    writer.uint32(value.length);
    writer.raw(value);
    return true;
  }
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) return writeList(writer, value, depth);
  if (!Object.hasOwn(value, "!")) return writeTable(writer, value, depth);
  return writeMarked(writer, value, depth) ?? writeTable(writer, value, depth);
}

/** Undefined if the mark is none: a table may have a header of that name. */
function writeMarked(writer: ByteWriter, marked: object, depth: number): boolean | undefined {
  const { "!": mark, value }: { "!"?: unknown; value?: unknown } = marked;
  if (mark === "object" && typeof value === "object" && value) {
    return writeTable(writer, value, depth);
  }
  if (mark === "decimal") return writeDecimal(writer, value);
  const letter = typeof mark === "string" && Object.hasOwn(MARKS, mark) ? MARKS[mark] : undefined;
  if (letter === undefined) return undefined;
  if (letter in INTEGERS) return writeInteger(writer, letter, value);
  return writeFloat(writer, letter, value);
}

function writeList(writer: ByteWriter, list: readonly unknown[], depth: number): boolean {
  return writeNested(
    writer,
    "A",
    () => list.every((value) => writeValue(writer, value, depth + 1)),
  );
}

function writeTable(writer: ByteWriter, table: object, depth: number): boolean {
  return writeNested(
    writer,
    "F",
    () =>
      Object.entries(table).every(([name, value]) =>
        value === undefined || writeField(writer, name, value, depth + 1)
      ),
  );
}

function writeNested(writer: ByteWriter, letter: string, writeContent: () => boolean): boolean {
  const begin = writer.length;
  writeLetter(writer, letter);
  writer.uint32(0);
  if (!writeContent()) {
    writer.cut(begin);
    return false;
  }
  writer.uint32At(begin + 1, writer.length - begin - 5);
  return true;
}

function writeInteger(writer: ByteWriter, letter: string, value: unknown): boolean {
  const integer = integerOf(value);
  const [bits, signed] = INTEGERS[letter] ?? [64, true];
  if (integer === undefined) return false;
  const held = signed ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer);
  if (held !== integer) return false;
  writeLetter(writer, letter);
  if (bits === 64) writer.uint64(integer);
  else if (bits === 32) writer.uint32(Number(integer));
  else if (bits === 16) writer.uint16(Number(integer));
  else writer.uint8(Number(integer));
  return true;
}

/** RabbitMQ ends the connection over one that is infinite or none. */
function writeFloat(writer: ByteWriter, letter: string, value: unknown): boolean {
  if (typeof value !== "number") return false;
  if (!Number.isFinite(letter === "f" ? Math.fround(value) : value)) return false;
  writeLetter(writer, letter);
  if (letter === "f") writer.float(value);
  else writer.double(value);
  return true;
}

function writeDecimal(writer: ByteWriter, value: unknown): boolean {
  if (typeof value !== "object" || !value) return false;
  const { places, digits }: { places?: unknown; digits?: unknown } = value;
  const scale = integerOf(places), unscaled = integerOf(digits);
  if (scale === undefined || scale !== BigInt.asUintN(8, scale)) return false;
  if (unscaled === undefined || unscaled !== BigInt.asUintN(32, unscaled)) return false;
  writeLetter(writer, "D");
  writer.uint8(Number(scale));
  writer.uint32(Number(unscaled));
  return true;
}

function writeLetter(writer: ByteWriter, letter: string): void {
  writer.uint8(letter.charCodeAt(0));
}

/** A whole number, whichever way JavaScript has it. */
export function integerOf(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : undefined;
}
