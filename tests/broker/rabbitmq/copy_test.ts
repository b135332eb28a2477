import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { GetMessage, MessageProperties, Options } from "amqplib";
import { copyOf } from "../../../src/broker/rabbitmq/copy_properties.ts";
import { field, headerBytes, long, publishRaw } from "../../support/raw_amqp.ts";
import { amqpUrl } from "../../support/rabbitmq.ts";
import { amqpAdapter, KEPT, ONLY_KEPT, sendTo, untilFound } from "./support.ts";
import { bench, bytes } from "../bench.ts";

/** The largest frame of RabbitMQ's, unless it is configured otherwise. */
const FRAME_MAX = 131_072;

/** Has a message with these properties parked, and returns the copy. */
async function park(properties: Options.Publish, content = "body"): Promise<GetMessage> {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  await sendTo(queue, [content], properties);
  broker.consume(
    queue,
    { prefetch: 9, parkingQueue },
    () => Promise.resolve({ kind: "park", reason: "bad", status: 422 }),
  );
  return await untilFound(parkingQueue);
}

/** The headers of a copy, without those about the parking. */
function ownHeaders({ properties: { headers = {} } }: GetMessage): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).filter(([key]) => !/^x-(parked|original)-/.test(key)),
  );
}

Deno.test("parking leaves body and properties unchanged", async () => {
  const copy = await park(KEPT, '{"content":"é"}');
  assert.equal(copy.content.toString(), '{"content":"é"}');
  const { headers: _, ...others } = copy.properties;
  assert.deepEqual(others, ONLY_KEPT);
});

const HEADERS: Record<string, unknown> = {
  text: "é",
  empty: "",
  long: "x".repeat(20_000),
  yes: true,
  nothing: null,
  byte: -5,
  int: 2 ** 31,
  long64: 2 ** 53 - 1,
  double: 1.5,
  tiny: 5e-324,
  huge: { "!": "double", value: 1e300 },
  negativeHuge: { "!": "double", value: -1e300 },
  float: { "!": "float", value: 0.5 },
  timestamp: { "!": "timestamp", value: 1_700_000_000 },
  decimal: { "!": "decimal", value: { places: 2, digits: 314 } },
  bytes: Buffer.from([0, 255, 10]),
  list: ["a", 1, [null], { b: { "!": "timestamp", value: 1 } }],
  table: { a: { b: { c: Buffer.from("d") } } },
  exclaiming: { "!": "object", value: { "!": "string", other: 1 } },
  "key with spaces and é": 1,
};

/** What a reader sees of a header: JavaScript's own types lack the name of theirs. */
function decoded(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("!" in value) || !("value" in value)) {
    return value;
  }
  return ["double", "float", "object"].includes(String(value["!"])) ? value.value : value;
}

for (const [name, value] of Object.entries(HEADERS)) {
  Deno.test(`parking leaves a header unchanged: ${name}`, async () => {
    const copy = await park({ headers: { [name]: value } });
    assert.deepEqual(ownHeaders(copy), { [name]: decoded(value) });
  });
}

Deno.test("parking keeps what would delete or misdirect the copy in headers of its own", async () => {
  const userId = new URL(amqpUrl()).username || "guest";
  const copy = await park({ expiration: "60000", userId, deliveryMode: 1, CC: ["other"] });
  assert.equal(copy.properties.expiration, undefined);
  assert.equal(copy.properties.userId, undefined);
  assert.equal(copy.properties.deliveryMode, 2);
  const { "x-parked-at": _at, "x-parked-from": _from, ...headers } = copy.properties.headers ?? {};
  assert.deepEqual(headers, {
    "x-parked-reason": "bad",
    "x-parked-status": 422,
    "x-original-expiration": "60000",
    "x-original-user-id": userId,
    "x-original-cc": ["other"],
  });
});

Deno.test("parking leaves out the header that does not fit with ours, and not the message", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  // As large as RabbitMQ takes them.
  const near = field("near", "S", long("x".repeat(FRAME_MAX - 8 - 12 - 40)));
  const propertyBytes = headerBytes(field("a", "S", long("kept")), near);
  await publishRaw(amqpUrl(), { routingKey: queue, propertyBytes, body: bytes("body") });
  const park = () => Promise.resolve({ kind: "park", reason: "bad" } as const);
  broker.consume(queue, { prefetch: 9, parkingQueue }, park);
  const copy = await untilFound(parkingQueue);
  assert.equal(copy.content.toString(), "body");
  assert.deepEqual(ownHeaders(copy), { a: "kept" });
  assert.equal(copy.properties.headers?.["x-original-lost"], "headers.near");
  assert.equal(copy.properties.headers?.["x-parked-reason"], "bad");
});

Deno.test("copyOf() leaves the types that amqplib names to amqplib", () => {
  // On the wire, a table that looks the same would be read back as the same.
  const headers = {
    timestamp: HEADERS["timestamp"],
    decimal: HEADERS["decimal"],
    list: HEADERS["list"],
  };
  const properties: unknown = { headers };
  // Messages have more properties; none has to be there.
  const copy = copyOf(properties as MessageProperties, {});
  const { timestamp, decimal, list } = copy.headers;
  assert.deepEqual({ timestamp, decimal, list }, headers);
});
