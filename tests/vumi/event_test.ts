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
    ["user_message_id", ACK],
    ["event_type", ACK],
  ] as const
) {
  for (const missing of [undefined, null]) {
    Deno.test(`decodeEvent() refuses ${event.event_type} whose ${field} is ${missing}`, () => {
      assert.ok(decodeEvent(bytes(event)));
      assert.throws(
        () => decodeEvent(bytes({ ...event, [field]: missing })),
        (error) => error instanceof MalformedPayloadError && error.message.includes(field),
      );
    });
  }
}

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
