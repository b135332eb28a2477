// Values of AMQP's field tables as bytes, without regard to what they mean: how long each is, whether
// RabbitMQ would take it, and what a table or an array is made of. That is all that a copy of a
// message needs; what they mean is for reader.ts.
//
// The types are those of RabbitMQ's rabbit_binary_parser.erl, and `U` of the standard.

import { type Buffer, isUtf8 } from "node:buffer";

/** A value as it is on the wire, to be sent as it is: the letter of its type, and then the value. */
export class FieldBytes {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** For people; what it means is not known here. */
  toJSON(): string {
    const type = this.bytes.toString("latin1", 0, 1);
    return `(${this.bytes.length} bytes, type ${type})`;
  }
}

export interface HeaderField {
  /** The length of the name, the name, and the value. */
  readonly bytes: Buffer;
  readonly name: string;
  /** Whether `name` is all that there is to the name's bytes: they are UTF-8. */
  readonly named: boolean;
  readonly value: FieldBytes;
}

export const TABLE = 0x46, ARRAY = 0x41;
const FLOAT = 0x66, DOUBLE = 0x64;

/** How many bytes the length of a text, of bytes, a table or an array has. */
export const LENGTH_SIZE = 4;
/** The size of values that begin with their length. */
const OWN_LENGTH = -1;

const SIZES = { V: 0, tbB: 1, suU: 2, Iif: 4, D: 5, lLdT: 8, SxFA: OWN_LENGTH };
const SIZE_OF: (number | undefined)[] = [];
for (const [letters, size] of Object.entries(SIZES)) {
  for (const letter of letters) SIZE_OF[letter.charCodeAt(0)] = size;
}

export function isType(letter: number | undefined): boolean {
  return SIZE_OF[letter ?? 0] !== undefined;
}

/** How many bytes a value has, its letter included; undefined if that is unknown or too many. */
export function sizeAt(bytes: Buffer, at: number, end: number): number | undefined {
  let size = SIZE_OF[bytes[at] ?? 0];
  if (size === OWN_LENGTH && at + 1 + LENGTH_SIZE <= end) {
    size = LENGTH_SIZE + readUint32(bytes, at + 1);
  }
  return size === undefined || size < 0 || at + 1 + size > end ? undefined : 1 + size;
}

/** Four bytes that are there. Faster than Deno's `Buffer.readUInt32BE()`. */
export function readUint32(bytes: Buffer, at: number): number {
  return readInt32(bytes, at) >>> 0;
}

export function readInt32(bytes: Buffer, at: number): number {
  return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
}

/**
 * Whether RabbitMQ would take the value: it ends the connection over what its parser does not know,
 * such as a number that is none. Deep values need no stack here.
 */
export function isSendable({ bytes }: FieldBytes): boolean {
  /** The tables and arrays that we are in, the value itself before them. */
  const within = [{ end: bytes.length, isTable: false }];
  let at = 0;
  for (let inner = within.at(-1); inner; inner = within.at(-1)) {
    const { end, isTable } = inner;
    if (at === end) {
      within.pop();
      continue;
    }
    if (isTable) at += 1 + (bytes[at] ?? 0);
    const letter = bytes[at];
    const size = sizeAt(bytes, at, end);
    if (size === undefined) return false;
    if (letter === TABLE || letter === ARRAY) {
      within.push({ end: at + size, isTable: letter === TABLE });
      at += 1 + LENGTH_SIZE;
    } else {
      if (letter === DOUBLE && !Number.isFinite(bytes.readDoubleBE(at + 1))) return false;
      if (letter === FLOAT && !Number.isFinite(bytes.readFloatBE(at + 1))) return false;
      at += size;
    }
  }
  return bytes.length > 0;
}

/** The headers of a table without its length, as far as they can be told apart. */
export function headerFieldsOf(table: Buffer): HeaderField[] {
  const fields: HeaderField[] = [];
  for (let at = 0; at < table.length;) {
    const valueAt = at + 1 + (table[at] ?? 0);
    const size = sizeAt(table, valueAt, table.length);
    if (size === undefined) break;
    const name = table.subarray(at + 1, valueAt);
    fields.push({
      bytes: table.subarray(at, valueAt + size),
      name: name.toString(),
      named: isUtf8(name),
      value: new FieldBytes(table.subarray(valueAt, valueAt + size)),
    });
    at = valueAt + size;
  }
  return fields;
}

/** The headers in a value that is a table; none if it is not. */
export function headerFieldsIn({ bytes }: FieldBytes): HeaderField[] {
  return bytes[0] === TABLE ? headerFieldsOf(bytes.subarray(1 + LENGTH_SIZE)) : [];
}

/** The values in a value that is an array; undefined if it is not. */
export function elementsIn({ bytes }: FieldBytes): FieldBytes[] | undefined {
  if (bytes[0] !== ARRAY) return undefined;
  const elements: FieldBytes[] = [];
  for (let at = 1 + LENGTH_SIZE; at < bytes.length;) {
    const size = sizeAt(bytes, at, bytes.length);
    if (size === undefined) break;
    elements.push(new FieldBytes(bytes.subarray(at, at + size)));
    at += size;
  }
  return elements;
}
