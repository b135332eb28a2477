import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  decodeProperties,
  encodeProperties,
} from "../../../src/broker/rabbitmq/codec/properties.ts";
import { unchanged } from "../../../src/broker/rabbitmq/codec/unchanged.ts";
import { copyOf } from "../../../src/broker/rabbitmq/copy_properties.ts";
import { FieldBytes, isSendable } from "../../../src/broker/rabbitmq/codec/raw_values.ts";
import { WIRE } from "../../../src/broker/rabbitmq/codec/properties.ts";
import { deep, POISON } from "../../support/poison.ts";
import { field, headerBytes, long, short } from "../../support/raw_amqp.ts";

const EIGHT = [1, 2, 3, 4, 5, 6, 7, 8];

/** Every type of RabbitMQ's parser: letter, bytes, and what is read. */
const TYPES: readonly (readonly [letter: string, value: readonly number[], read: unknown])[] = [
  ["t", [0], false],
  ["t", [7], true],
  ["b", [0x80], -128],
  ["B", [0x80], 128],
  ["s", [0xff, 0xfe], -2],
  ["U", [0xff, 0xfe], -2],
  ["u", [0xff, 0xfe], 65_534],
  ["I", [0xff, 0xff, 0xff, 0xfd], -3],
  ["i", [0xff, 0xff, 0xff, 0xfd], 4_294_967_293],
  ["l", [0, 0, 0, 1, 0, 0, 0, 2], 4_294_967_298],
  ["l", [255, 255, 255, 255, 255, 255, 255, 255], -1],
  ["L", [0, 0, 0, 0, 0x80, 0, 0, 0], 2_147_483_648],
  ["L", [255, 255, 255, 255, 255, 255, 255, 255], -1],
  ["L", [0x7f, 255, 255, 255, 255, 255, 255, 255], 2 ** 63],
  ["f", [0x3f, 0, 0, 0], 0.5],
  ["d", [0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 1.5],
  ["D", [2, 0, 0, 1, 58], { "!": "decimal", value: { places: 2, digits: 314 } }],
  ["T", [0, 0, 0, 0, 0, 0, 0, 9], { "!": "timestamp", value: 9 }],
  ["T", Array(8).fill(255), { "!": "timestamp", value: 2 ** 64 }],
  ["V", [], null],
  ["S", [...long("é")], "é"],
  ["S", [...long("x".repeat(300))], "x".repeat(300)],
  ["S", [...long([0xff, 0x41])], "\ufffdA"],
  ["x", [...long([0, 255])], Buffer.from([0, 255])],
  ["A", [...long([])], []],
  ["A", [...long([0x74, 1, 0x56])], [true, null]],
  ["F", [...long(field("a", "F", long(field("b", "t", [1]))))], { a: { b: true } }],
  ["F", [...long(field("__proto__", "b", [1]))], JSON.parse('{"__proto__": 1}')],
];

for (const [letter, value, read] of TYPES) {
  const bytes = headerBytes(field("h", letter, value));
  Deno.test(`a header of type ${letter} is read as ${JSON.stringify(read).slice(0, 40)}, and copied as it is`, () => {
    const properties = decodeProperties(Buffer.from(bytes));
    assert.deepEqual({ ...properties.headers }, { h: read });
    assert.deepEqual(encodeProperties(unchanged(properties)), Buffer.from(bytes));
  });
}

/** Also what takes RabbitMQ 4.3 several seconds. */
const ODD = { ...POISON, "a header nested as deep as a frame allows": deep(26_000) };

for (const [name, bytes] of Object.entries(ODD)) {
  Deno.test(`properties are copied as they are: ${name}`, () => {
    const copy = encodeProperties(unchanged(decodeProperties(Buffer.from(bytes))));
    assert.deepEqual(copy, Buffer.from(bytes));
  });
}

Deno.test("values that are nested too deep to be read are bytes, and a text in JSON", () => {
  const { headers } = decodeProperties(Buffer.from(POISON["a header nested 4,000 deep"] ?? []));
  assert.match(JSON.stringify(headers), /\(\d+ bytes, type A\)/);
});

const shortBytes = fc.uint8Array({ maxLength: 20 });
const value: fc.Arbitrary<Uint8Array> = fc.letrec<{ value: Uint8Array }>((tie) => {
  const sized = (letter: string, size: number) =>
    fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) =>
      Buffer.concat([Buffer.from(letter), bytes])
    );
  const withLength = (letter: string, content: fc.Arbitrary<Uint8Array>) =>
    content.map((bytes) => Buffer.concat([Buffer.from(letter), long(bytes)]));
  const entry = fc.tuple(shortBytes, tie("value")).map(([name, bytes]) =>
    Buffer.concat([Buffer.from(short(name)), bytes])
  );
  return {
    value: fc.oneof(
      { maxDepth: 4 },
      ...[["t", 1], ["b", 1], ["B", 1], ["s", 2], ["u", 2], ["I", 4], ["i", 4], ["l", 8], ["L", 8]]
        .map(([letter, size]) => sized(String(letter), Number(size))),
      sized("D", 5),
      sized("T", 8),
      fc.constant(Buffer.from("V")),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => {
        const bytes = Buffer.alloc(9, "d");
        bytes.writeDoubleBE(number, 1);
        return bytes;
      }),
      withLength("S", shortBytes),
      withLength("x", shortBytes),
      withLength("A", fc.array(tie("value"), { maxLength: 4 }).map((all) => Buffer.concat(all))),
      withLength("F", fc.array(entry, { maxLength: 4 }).map((all) => Buffer.concat(all))),
    ),
  };
}).value;

/** Headers of different names, as nothing else can be unchanged; integers as names would be sorted. */
const headers = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 9 }), value), {
  selector: ([name]) => name,
  maxLength: 6,
}).map((all) =>
  Buffer.concat(
    all.map(([name, bytes]) => Buffer.concat([Buffer.from(short(`h${name}`)), bytes])),
  )
);
const octet = fc.uint8Array({ minLength: 1, maxLength: 1 });
const text = shortBytes.map((bytes) => Buffer.from(short(bytes)));
/** In the order of the wire, each there or not. */
const propertyBytes = fc.tuple(
  ...[
    text,
    text,
    headers.map(long),
    octet,
    octet,
    text,
    text,
    text,
    text,
    fc.uint8Array({ minLength: 8, maxLength: 8 }),
    text,
    text,
    text,
    text,
  ].map((bytes) => fc.option(bytes)),
).map((values) => {
  const flags = values.reduce((sum, there, index) => sum | (there ? 0x8000 >> index : 0), 0);
  const start = Buffer.alloc(2);
  start.writeUInt16BE(flags);
  return Buffer.concat([start, ...values.filter((there) => there !== null)]);
});

Deno.test("whatever properties RabbitMQ sends, they are encoded as they were", () => {
  fc.assert(
    fc.property(propertyBytes, (bytes) => {
      assert.deepEqual(encodeProperties(unchanged(decodeProperties(bytes))), bytes);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("whatever bytes come for properties, they are read and copied without an exception", () => {
  const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
  const changed = fc.tuple(
    propertyBytes,
    fc.array(change, { minLength: 1, maxLength: 4 }),
    fc.nat(),
  ).map(([bytes, changes, cut]) => {
    const mutated = Buffer.from(bytes);
    for (const [at, octet] of changes) mutated[at % mutated.length] = octet;
    return cut % 3 === 0 ? mutated.subarray(0, cut % (mutated.length + 1)) : mutated;
  });
  const any = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(changed, any), (bytes) => {
      const properties = decodeProperties(bytes);
      assert.equal(properties[WIRE]?.bytes, bytes);
      const copy = encodeProperties(copyOf(properties, { "x-parked-reason": "bad" }));
      // What is sent has to be right: RabbitMQ would end the connection over the copy.
      const again = decodeProperties(copy);
      assert.equal(again.headers?.["x-parked-reason"], "bad");
      const { headers: sent = {} } = unchanged(again);
      for (const header of Object.values(sent)) {
        assert.ok(!(header instanceof FieldBytes) || isSendable(header));
      }
    }),
    { numRuns: 5000 },
  );
});

Deno.test("of properties that are cut off, what is before is read, and the bytes are unchanged", () => {
  const whole = Buffer.from([0xa0, 0, 1, 0x41, ...long(field("a", "S", long("b")))]);
  const bytes = whole.subarray(0, -1);
  const properties = decodeProperties(bytes);
  assert.equal(properties.contentType, "A");
  assert.deepEqual(properties.headers, {
    "x-original-unreadable": "the headers exceed the bytes",
    "x-original-properties": bytes,
  });
});

Deno.test("of headers with an unknown type, those before and the properties after are read", () => {
  const table = Buffer.concat([field("a", "b", [1]), field("b", "Z", [1]), field("c", "b", [1])]);
  const bytes = Buffer.from([0x30, 0, ...long(table), 2]);
  const properties = decodeProperties(bytes);
  assert.equal(properties.deliveryMode, 2);
  assert.deepEqual(properties.headers, {
    a: 1,
    "x-original-unreadable": "a value has an unknown type",
    "x-original-properties": bytes,
  });
});

/** Properties that can't be encoded, and what they are called. */
const LOST: Readonly<Record<string, Record<string, unknown>>> = {
  timestamp: { timestamp: 2 ** 64 },
  message_id: { messageId: "x".repeat(256) },
  priority: { priority: 1.5 },
  "headers.a": { headers: { a: () => {} } },
  "headers.b,type": { headers: { a: 1, b: NaN }, type: 5 },
  ["headers." + "x".repeat(256)]: { headers: { ["x".repeat(256)]: 1 } },
};

for (const [name, properties] of Object.entries(LOST)) {
  Deno.test(`what can't be encoded is left out and named: ${name.slice(0, 30)}`, () => {
    const { headers } = decodeProperties(encodeProperties({ contentType: "A", ...properties }));
    assert.equal(headers?.["x-original-lost"], name);
  });
}

Deno.test("what was lost by the last copy is still named in the next", () => {
  const first = encodeProperties({ headers: { a: NaN } });
  const copy = copyOf(decodeProperties(first), { b: NaN });
  assert.equal(
    decodeProperties(encodeProperties(copy)).headers?.["x-original-lost"],
    "headers.a,headers.b",
  );
});

Deno.test("headers that are too large for a frame go, the largest first", () => {
  const headers = { a: "x".repeat(100), b: "x".repeat(300), c: "x".repeat(200) };
  const bytes = encodeProperties({ headers, deliveryMode: 2 }, 300);
  assert.ok(bytes.length <= 300);
  const read = decodeProperties(bytes);
  assert.deepEqual(read.headers, { a: headers.a, "x-original-lost": "headers.b,headers.c" });
  assert.equal(read.deliveryMode, 2);
});

Deno.test("of several headers of one name the last is unchanged, and it is said that there were more", () => {
  const table = [field("a", "b", [1]), field("a", "b", [2]), field("b", "V")];
  const copy = copyOf(decodeProperties(Buffer.from(headerBytes(...table))), {});
  assert.deepEqual(decodeProperties(encodeProperties(copy)).headers, {
    a: 2,
    b: null,
    "x-original-lost": "headers.a",
  });
});

Deno.test("a header that was changed is sent as it is now", () => {
  const properties = decodeProperties(Buffer.from(headerBytes(field("a", "l", EIGHT))));
  const copy = copyOf({ ...properties, headers: { ...properties.headers, a: 1, b: "x" } }, {});
  assert.deepEqual(decodeProperties(encodeProperties(copy)).headers, { a: 1, b: "x" });
});
