/**
 * What vumi2 reads is read, and means the same: messages and events of any kind are given to vumi2's
 * own classes and to ours.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { fileURLToPath } from "node:url";
import {
  decodeEvent,
  decodeMessage,
  encodeEvent,
  encodeMessage,
  MalformedPayloadError,
} from "../../src/vumi/mod.ts";
import { pythonWith } from "../support/python.ts";

const READER = fileURLToPath(new URL("./vumi2_messages.py", import.meta.url));

/** Fields, each in the JSON that Python writes. */
type Fields = Readonly<Record<string, string>>;

/** Mostly one of the first, so that most of all can be read. */
function mostly(usual: readonly unknown[], ...odd: readonly string[]): fc.Arbitrary<string> {
  const json = usual.map((value) => JSON.stringify(value));
  return fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...json) }, fc.constantFrom(...odd));
}

/** What vumi2 makes the same text of as we do; anything else it makes some text of. */
const PLAIN = /^(?:".+"|-?\d[\d.e+-]*|true|false)$/s;
const text = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)) },
  fc.constantFrom('""', "null", "true", "false", "0", "-7", "1.0", "-0.25", "1e+22", "1.5e-07"),
  fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map(String),
  fc.constantFrom("NaN", "Infinity", "-Infinity", "{}", '{"a": [1, null, NaN]}', '["b", 2]'),
);
const object = fc.oneof(
  mostly([{}, { a: { b: [1.5, 12345678901] } }], "[]", '""', "null", "7", '"ab"', "NaN"),
  fc.constantFrom('{"a": NaN, "NaN": -Infinity}', '{"\\\\": "NaN\\"", "b": [Infinity]}'),
);
const timestamp = mostly(
  ["2015-06-15 13:00:00.123456", "2015-06-15 13:00:00", "2015-06-15 13:00:00.5Z", "2015-6-5 1:2:3"],
  ...['"2015-06-15T13:00:00"', '"2015-02-30 13:00:00"', '"2015-06-15 24:00:00"', '"now"'],
  ...['"2015-06-15 13:00:60"', '"2015-06-15 13:00:00."', "5", "null"],
);
const common = {
  ...{ message_version: text, message_type: text, timestamp },
  ...{ routing_metadata: object, helper_metadata: object, transport_metadata: object },
};

const anyMessage: fc.Arbitrary<Fields> = fc.record({
  to_addr: text,
  from_addr: text,
  transport_name: text,
  transport_type: mostly(["sms", "ussd"], '"fax"', "null", "5"),
  ...{ message_id: text, in_reply_to: text, provider: text, group: text, content: text },
  session_event: mostly([null, "new", "resume", "close"], '"started"', '""', "5"),
  to_addr_type: mostly([null, "msisdn"], '"other"', '""'),
  from_addr_type: mostly([null, "wechat_id"], '"other"', '""'),
  ...common,
}, { requiredKeys: ["to_addr", "from_addr", "transport_name", "transport_type"] });

const anyEvent: fc.Arbitrary<Fields> = fc.record({
  user_message_id: text,
  event_type: mostly(["ack", "nack", "delivery_report"], '"other"', "null"),
  ...{ event_id: text, sent_message_id: text, nack_reason: text },
  delivery_status: mostly([null, "pending", "failed", "delivered"], '"other"', '""'),
  ...common,
}, { requiredKeys: ["user_message_id", "event_type"] });

/** Those of the fields that hold a text, as we read it; and write and read it again. */
const READ = {
  message: (body: Uint8Array) => decodeMessage(encodeMessage(decodeMessage(body))),
  event: (body: Uint8Array) => decodeEvent(encodeEvent(decodeEvent(body))),
} as const;

interface Given {
  readonly kind: keyof typeof READ;
  readonly fields: Fields;
}

function bodyOf({ fields }: Given): string {
  return `{${Object.entries(fields).map(([name, json]) => `"${name}": ${json}`).join(", ")}}`;
}

/** What vumi2 reads of each; null where it reads nothing. */
async function vumi2Reads(python: string, all: readonly Given[]) {
  const reader = new Deno.Command(python, { args: [READER], stdin: "piped", stdout: "piped" })
    .spawn();
  const lines = all.map((given) => `${JSON.stringify([given.kind, bodyOf(given)])}\n`);
  const input = new Blob([lines.join("")]).stream();
  const [{ stdout }] = await Promise.all([reader.output(), input.pipeTo(reader.stdin)]);
  const read: (Record<string, unknown> | null)[] = JSON.parse(new TextDecoder().decode(stdout));
  assert.equal(read.length, all.length);
  return read;
}

const python = await pythonWith("cattrs==23.2.3");

Deno.test({
  name: python.kind === "python"
    ? "what vumi2 reads is read, and its texts are the same"
    : `what vumi2 reads is read (not run: ${python.why})`,
  ignore: python.kind !== "python",
  async fn() {
    assert.ok(python.kind === "python");
    const all: readonly Given[] = [
      ...fc.sample(anyMessage, 3000).map((fields) => ({ kind: "message", fields } as const)),
      ...fc.sample(anyEvent, 3000).map((fields) => ({ kind: "event", fields } as const)),
    ];
    const theirs = await vumi2Reads(python.path, all);
    assert.ok(theirs.filter((read) => read !== null).length > 1000, "most can't be read");
    for (const [index, given] of all.entries()) {
      const read = theirs[index];
      if (read === null || read === undefined) continue;
      const body = bodyOf(given);
      const { user_message_id = "", sent_message_id = "" } = given.fields;
      // Nobody can know what it is about.
      const isAboutNothing = given.kind === "event" &&
        [user_message_id, sent_message_id].every((id) => ["", '""', "null"].includes(id));
      const decode = (): Record<string, unknown> =>
        READ[given.kind](new TextEncoder().encode(body));
      if (isAboutNothing) {
        assert.throws(decode, MalformedPayloadError, body);
        continue;
      }
      const ours = decode();
      for (const [name, json] of Object.entries(given.fields)) {
        const isText = name !== "timestamp" && PLAIN.test(json);
        if (isText) assert.equal(ours[name], read[name], `${name} of ${body}`);
      }
    }
  },
});
