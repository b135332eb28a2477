/**
 * Malformed payloads: valid ones, spoiled by chance in the ways in which payloads are.
 *
 * @module
 */

import { below, pick, type Random } from "./random.ts";

/** A JSON object. */
export type Tree = Readonly<Record<string, unknown>>;

type Mutation = (random: Random, valid: Tree) => string | Uint8Array;

const encoder = new TextEncoder();

/** Values that fit hardly anywhere, as JSON. */
const JUNK: readonly [string, ...string[]] = [
  ...["null", "true", "-1", "0.5", '""', '" "', "[]", "{}", "[null]", '{"type":"text"}'] as const,
  ...["1e999", "-1e999", "9".repeat(400), "1e-999", "9007199254740993", "-0"],
  ...['"\\ud800"', '"\\u0000"', '"\\u202e"', '"__proto__"', '{"__proto__":{"a":1}}'],
  ...['{"constructor":{"prototype":1}}', '"2015-13-45 99:99:99"', '"🙂"'],
  `"${"x".repeat(100_000)}"`,
  "[".repeat(20_000) + "]".repeat(20_000),
  '{"a":'.repeat(5_000) + "1" + "}".repeat(5_000),
];

const WHOLES: readonly [string, ...string[]] = [
  ...["", " ", "null", "[]", "{}", '""', "0", "NaN", "undefined", "{", "}", "{'to':'x'}"] as const,
  ...["\ufeff{}", '{"a":1,}', "//", "<xml/>", "to=1&turn=2", "[".repeat(50_000), "1e999"],
];

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  // Another value in a field.
  (random, valid) => withField(valid, fieldOf(random, valid), pick(random, JUNK)),
  (random, valid) => withField(valid, fieldOf(random, valid), pick(random, JUNK)),
  // A field less.
  (random, valid) => {
    const field = fieldOf(random, valid);
    return JSON.stringify(
      Object.fromEntries(Object.entries(valid).filter(([key]) => key !== field)),
    );
  },
  // A field twice, the second time as another.
  (random, valid) => {
    const field = JSON.stringify(fieldOf(random, valid));
    return `${JSON.stringify(valid).slice(0, -1)},${field}:${pick(random, JUNK)}}`;
  },
  // A field more, which may be ignored.
  (random, valid) => withField(valid, `extra${below(random, 9)}`, pick(random, JUNK)),
  // Cut short.
  (random, valid) => {
    const bytes = encoder.encode(JSON.stringify(valid));
    return bytes.slice(0, below(random, bytes.length));
  },
  // Bytes that are others, or no UTF-8.
  (random, valid) => {
    const bytes = encoder.encode(JSON.stringify(valid));
    for (let n = 0; n <= below(random, 4); n++) {
      bytes[below(random, bytes.length)] = pick(random, [
        0xff,
        0xc0,
        0x80,
        0x00,
        below(random, 256),
      ]);
    }
    return bytes;
  },
  // Something else altogether.
  (random) => pick(random, WHOLES),
  (random) => Uint8Array.from({ length: below(random, 200) }, () => below(random, 256)),
];

/** One spoiled copy of `valid`. It may be valid still, by chance. */
export function spoil(random: Random, valid: Tree): Uint8Array {
  const spoiled = pick(random, MUTATIONS)(random, valid);
  return typeof spoiled === "string" ? encoder.encode(spoiled) : spoiled;
}

function fieldOf(random: Random, valid: Tree): string {
  return Object.keys(valid)[below(random, Object.keys(valid).length)] ?? "";
}

function withField(valid: Tree, field: string, json: string): string {
  const others = Object.entries(valid).filter(([key]) => key !== field);
  const fields = others.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return `{${[...fields, `${JSON.stringify(field)}:${json}`].join(",")}}`;
}
