import assert from "node:assert/strict";
import fc from "fast-check";
import {
  createMessage,
  createReply,
  decodeMessage,
  encodeMessage,
  MalformedPayloadError,
  type Message,
} from "../../src/vumi/mod.ts";
import { anyTimestamp, bytes, metadata } from "./arbitraries.ts";

const REQUIRED = {
  to_addr: "8110",
  from_addr: "+26612345678",
  transport_name: "smpp",
  transport_type: "sms",
};

const anyText = fc.string({ unit: "binary" });
const anyTextOrNull = fc.option(anyText);
const anyAddressType = fc.constantFrom(null, "msisdn", "mxit_id", "wechat_id");

const anyMessage: fc.Arbitrary<Message> = fc.record({
  message_id: fc.string({ minLength: 1 }),
  to_addr: anyText,
  from_addr: anyText,
  transport_name: anyText,
  transport_type: fc.constantFrom("http_api", "irc", "telnet", "sms", "ussd", "wechat"),
  message_version: fc.constant("20110921"),
  message_type: fc.constant("user_message" as const),
  timestamp: anyTimestamp,
  in_reply_to: anyTextOrNull,
  provider: anyTextOrNull,
  group: anyTextOrNull,
  session_event: fc.constantFrom(null, "new", "resume", "close"),
  content: anyTextOrNull,
  routing_metadata: metadata,
  helper_metadata: metadata,
  transport_metadata: metadata,
  to_addr_type: anyAddressType,
  from_addr_type: anyAddressType,
}, { noNullPrototype: true });

Deno.test("decodeMessage() gives back what encodeMessage() wrote", () => {
  fc.assert(fc.property(anyMessage, (message) => {
    assert.deepEqual(decodeMessage(encodeMessage(message)), message);
  }));
});

Deno.test("decodeMessage() gives absent fields vumi's defaults", () => {
  const before = Date.now();
  const message = decodeMessage(bytes(REQUIRED));
  const { message_id, timestamp, ...rest } = message;
  assert.match(message_id, /^[0-9a-f]{32}$/);
  assert.match(timestamp, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
  assert.ok(Math.abs(Date.parse(`${timestamp.replace(" ", "T")}Z`) - before) < 60_000);
  assert.deepEqual(rest, {
    ...REQUIRED,
    message_version: "20110921",
    message_type: "user_message",
    in_reply_to: null,
    provider: null,
    group: null,
    session_event: null,
    content: null,
    routing_metadata: {},
    helper_metadata: {},
    transport_metadata: {},
    to_addr_type: null,
    from_addr_type: null,
  });
});

Deno.test("decodeMessage() drops fields that it does not know", () => {
  assert.ok(!("surprise" in decodeMessage(bytes({ ...REQUIRED, surprise: 1 }))));
});

for (const field of Object.keys(REQUIRED)) {
  Deno.test(`decodeMessage() refuses a message without ${field}, naming it`, () => {
    assert.throws(
      () => decodeMessage(bytes({ ...REQUIRED, [field]: undefined })),
      (error) => error instanceof MalformedPayloadError && error.message.includes(field),
    );
  });
}

for (
  const [label, fields] of Object.entries({
    "a session_event that vumi has not": { session_event: "started" },
    "a transport_type that vumi has not": { transport_type: "fax" },
    "metadata that is no object": { transport_metadata: [1] },
    "a day that is none": { timestamp: "2015-02-30 13:00:00" },
  })
) {
  Deno.test(`decodeMessage() refuses ${label}`, () => {
    assert.throws(() => decodeMessage(bytes({ ...REQUIRED, ...fields })), MalformedPayloadError);
  });
}

for (
  const [given, read] of [
    ["2015-06-15 13:00:00", "2015-06-15 13:00:00.000000"],
    ["2015-06-15 13:00:00.5", "2015-06-15 13:00:00.500000"],
    ["2015-06-15 13:00:00.123456", "2015-06-15 13:00:00.123456"],
    ["2015-06-15 13:00:00Z", "2015-06-15 13:00:00.000000"],
    ["2015-06-15 13:00:00.123456Z", "2015-06-15 13:00:00.123456"],
  ]
) {
  Deno.test(`decodeMessage() reads the timestamp ${given}`, () => {
    assert.equal(decodeMessage(bytes({ ...REQUIRED, timestamp: given })).timestamp, read);
  });
}

Deno.test("decodeMessage() makes texts of what is none, with all digits, as vumi2 does", () => {
  const body = `{
    "message_id": 7, "to_addr": null, "from_addr": 27821234567, "transport_name": true,
    "transport_type": "ussd", "content": 12345678901234567890, "provider": 1.0, "group": ["a"],
    "message_version": 20110921, "message_type": null, "helper_metadata": [],
    "transport_metadata": {"lag": NaN, "limits": [-Infinity, "NaN"]}
  }`;
  const message = decodeMessage(new TextEncoder().encode(body));
  assert.deepEqual({ ...message, timestamp: "" }, {
    ...decodeMessage(bytes(REQUIRED)),
    ...{ message_id: "7", to_addr: "", from_addr: "27821234567", transport_name: "True" },
    ...{ transport_type: "ussd", content: "12345678901234567890", provider: "1.0", group: '["a"]' },
    transport_metadata: { lag: "NaN", limits: ["-Infinity", "NaN"] },
    timestamp: "",
  });
});

Deno.test("decodeMessage() refuses more than 1 MiB", () => {
  const message = { ...REQUIRED, content: "x".repeat(1024 * 1024) };
  assert.throws(() => decodeMessage(bytes(message)), /larger than 1048576 bytes/);
});

Deno.test("decodeMessage() refuses what nests so deep that it could not be written again", () => {
  const nested = (depth: number): Uint8Array => {
    const list = "[".repeat(depth) + "]".repeat(depth);
    const json = JSON.stringify({ ...REQUIRED, transport_metadata: { list: 0 } });
    return new TextEncoder().encode(json.replace('"list":0', `"list":${list}`));
  };
  assert.throws(() => decodeMessage(nested(100_000)), MalformedPayloadError);
  assert.throws(() => decodeMessage(nested(999)), MalformedPayloadError);
  encodeMessage(decodeMessage(nested(998)));
});

Deno.test("decodeMessage() gives a message or MalformedPayloadError for any bytes", () => {
  fc.assert(fc.property(
    fc.oneof(fc.uint8Array(), fc.json().map((text) => new TextEncoder().encode(text))),
    (body) => {
      try {
        decodeMessage(body);
      } catch (error) {
        assert.ok(error instanceof MalformedPayloadError);
      }
    },
  ));
});

Deno.test("MalformedPayloadError repeats nothing that a user wrote", () => {
  const secret = "my test result";
  for (
    const body of [bytes({ content: secret }), new TextEncoder().encode(`{"content": "${secret}`)]
  ) {
    assert.throws(() => decodeMessage(body), (error) => !String(error).includes(secret));
  }
});

Deno.test("createMessage() makes what every vumi worker can read", () => {
  const message = createMessage({ ...REQUIRED, transport_type: "sms", content: "Hi" });
  assert.deepEqual(decodeMessage(encodeMessage(message)), message);
  const other = createMessage({ ...REQUIRED, transport_type: "sms" });
  assert.notEqual(message.message_id, other.message_id);
});

Deno.test("createMessage() makes ids that are UUIDs of version 4, and in the order of time", async () => {
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) {
    ids.push(createMessage({ ...REQUIRED, transport_type: "sms" }).message_id);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  for (const id of ids) assert.match(id, /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  assert.deepEqual(ids.toSorted(), ids);
});

Deno.test("createReply() swaps the addresses and carries the session's data", () => {
  const inbound = createMessage({
    to_addr: "*120*8864#",
    from_addr: "+27820001111",
    transport_name: "ussd_safaricom",
    transport_type: "ussd",
    provider: "mno",
    group: "g",
    session_event: "new",
    helper_metadata: { not: "carried" },
    routing_metadata: { not: "carried" },
    transport_metadata: { session_id: "s1" },
  });
  const reply = createReply(inbound, { content: "Hello", session_event: "resume" });
  assert.deepEqual(
    { ...reply, message_id: "", timestamp: "" },
    {
      ...createMessage({
        to_addr: "+27820001111",
        from_addr: "*120*8864#",
        transport_name: "ussd_safaricom",
        transport_type: "ussd",
        provider: "mno",
        group: "g",
        in_reply_to: inbound.message_id,
        session_event: "resume",
        content: "Hello",
        transport_metadata: { session_id: "s1" },
      }),
      message_id: "",
      timestamp: "",
    },
  );
  assert.notEqual(reply.message_id, inbound.message_id);
});
