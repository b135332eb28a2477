/**
 * Properties that RabbitMQ takes from whoever may publish, and that amqplib's codec, or JavaScript,
 * can't hold: for {@linkcode publishRaw}.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { field, headerBytes, long, nested, short } from "./raw_amqp.ts";

const MAX_UINT64 = Buffer.alloc(8, 255);

/** Property bytes by what is odd about them. */
export const POISON: Readonly<Record<string, Uint8Array>> = {
  "a header of type L": headerBytes(field("a", "L", [0, 0, 0, 0, 0x80, 0, 0, 0])),
  "a header that is an integer beyond 2^53": headerBytes(
    field("a", "l", [0x7f, 255, 255, 255, 255, 255, 255, 255]),
  ),
  "a header nested 4,000 deep": deep(4000),
  "a timestamp of 2^64 - 1": Buffer.concat([Buffer.from([0, 0x40]), MAX_UINT64]),
  "a header with a timestamp of 2^64 - 1": headerBytes(field("a", "T", MAX_UINT64)),
  "a message_id that is not UTF-8": Buffer.from([0, 0x80, 2, 0xff, 0xfe]),
  "a header that is not UTF-8": headerBytes(field("a", "S", long([0xff, 0xfe]))),
  "a header whose name is not UTF-8": headerBytes(field(new Uint8Array([0xff]), "S", long("x"))),
  "a header without a name": headerBytes(field("", "V")),
  "a header called __proto__": headerBytes(
    field("__proto__", "F", long(field("toString", "V"))),
  ),
  "a table that looks like amqplib's mark of a type": headerBytes(
    field("a", "F", long(Buffer.concat([field("!", "S", long("x")), field("value", "V")]))),
  ),
  "an x-death of another type": headerBytes(field("x-death", "S", long("x"))),
  "a float, a decimal and bytes": headerBytes(
    field("a", "f", [0x3f, 0x80, 0, 1]),
    field("b", "D", [255, 255, 255, 255, 255]),
    field("c", "x", long([0, 255])),
  ),
};

/** The property bytes of a message with a header that is nested so deeply. */
export function deep(depth: number): Uint8Array {
  return headerBytes(Buffer.concat([Buffer.from(short("a")), nested(depth)]));
}
