import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeEvent, encodeEvent, type Event, MalformedPayloadError } from "../../src/vumi/mod.ts";
import { anyTimestamp, bytes, metadata } from "./arbitraries.ts";

const ACK = { user_message_id: "m1", event_type: "ack", sent_message_id: "p1" };
const NACK = { user_message_id: "m1", event_type: "nack", nack_reason: "no credit" };
const REPORT = {
  user_message_id: "m1",
  event_type: "delivery_report",
  delivery_status: "delivered",
};

const anyEvent: fc.Arbitrary<Event> = fc.record({
  event_id: fc.string({ minLength: 1 }),
  user_message_id: fc.string({ minLength: 1 }),
  event_type: fc.constantFrom("ack", "nack", "delivery_report"),
  sent_message_id: fc.string(),
  nack_reason: fc.string(),
  delivery_status: fc.constantFrom("pending", "failed", "delivered"),
  message_version: fc.constant("20110921"),
  message_type: fc.constant("event" as const),
  timestamp: anyTimestamp,
  routing_metadata: metadata,
  helper_metadata: metadata,
  transport_metadata: fc.option(metadata),
}, { noNullPrototype: true });

Deno.test("decodeEvent() gives back what encodeEvent() wrote", () => {
  fc.assert(fc.property(anyEvent, (event) => {
    assert.deepEqual(decodeEvent(encodeEvent(event)), event);
  }));
});

Deno.test("decodeEvent() reads a delivery report that carries only user_message_id", () => {
  const { event_id, timestamp, ...rest } = decodeEvent(bytes(REPORT));
  assert.match(event_id, /^[0-9a-f]{32}$/);
  assert.match(timestamp, /^\d{4}/);
  assert.deepEqual(rest, {
    ...REPORT,
    sent_message_id: null,
    nack_reason: null,
    message_version: "20110921",
    message_type: "event",
    routing_metadata: {},
    helper_metadata: {},
    transport_metadata: {},
  });
});

for (
  const [field, event] of [
    ["sent_message_id", ACK],
    ["nack_reason", NACK],
    ["delivery_status", REPORT],
    ["user_message_id", { ...ACK, sent_message_id: null }],
    ["user_message_id", REPORT],
    ["event_type", ACK],
  ] as const
) {
  for (const missing of [undefined, null]) {
    Deno.test(`decodeEvent() refuses ${JSON.stringify(event)} whose ${field} is ${missing}`, () => {
      assert.throws(
        () => decodeEvent(bytes({ ...event, [field]: missing })),
        (error) => error instanceof MalformedPayloadError && error.message.includes(field),
      );
    });
  }
}

Deno.test("decodeEvent() goes by the provider's id where there is no other", () => {
  for (const user_message_id of [null, ""]) {
    const event = decodeEvent(bytes({ ...ACK, user_message_id, sent_message_id: "ours" }));
    assert.deepEqual([event.user_message_id, event.sent_message_id], ["ours", "ours"]);
  }
});

Deno.test("decodeEvent() makes texts of what is none, as vumi2 does", () => {
  const event = {
    ...NACK,
    nack_reason: { code: 8, text: "no" },
    sent_message_id: 12,
    event_id: 1.5,
  };
  const { nack_reason, sent_message_id, event_id } = decodeEvent(bytes(event));
  assert.deepEqual([nack_reason, sent_message_id, event_id], [
    '{"code":8,"text":"no"}',
    "12",
    "1.5",
  ]);
});

Deno.test("decodeEvent() gives an event or MalformedPayloadError for any bytes", () => {
  fc.assert(fc.property(
    fc.oneof(fc.uint8Array(), fc.json().map((text) => new TextEncoder().encode(text))),
    (body) => {
      try {
        decodeEvent(body);
      } catch (error) {
        assert.ok(error instanceof MalformedPayloadError);
      }
    },
  ));
});
