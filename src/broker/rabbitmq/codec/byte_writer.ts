/**
 * Writing AMQP's plain types into bytes that grow as needed.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Longest short text, in bytes. */
const MAX_SHORT = 255;

/** Writes one value after the other; of an integer the low bits. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(512);
  #length = 0;

  /** What was written. It is good until more is written. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets what was written from there on. */
  cut(length: number): void {
    this.#length = length;
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

  /** The same over what was written. */
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

  float(value: number): void {
    const at = this.#room(4);
    this.#bytes.writeFloatBE(value, at);
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
    const at = this.#room(size);
    this.#bytes.write(text, at, size, "utf8");
  }

  /** A text or its bytes, with the length in one byte; false, and nothing, if it is too long. */
  shortText(text: string | Uint8Array): boolean {
    const size = typeof text === "string" ? Buffer.byteLength(text) : text.length;
    if (size > MAX_SHORT) return false;
    this.uint8(size);
    const at = this.#room(size);
    if (typeof text === "string") this.#bytes.write(text, at, size, "utf8");
    else this.#bytes.set(text, at);
    return true;
  }

  /** Makes room for so many bytes, and says where it is. */
  #room(size: number): number {
    const at = this.#length;
    const length = at + size;
    if (length > this.#bytes.length) {
      const bytes = Buffer.allocUnsafe(Math.max(length, this.#bytes.length * 2));
      this.#bytes.copy(bytes, 0, 0, at);
      this.#bytes = bytes;
    }
    this.#length = length;
    return at;
  }
}
