/**
 * The JSON Schema of the configuration file: what it says of each key, and what it takes.
 *
 * @module
 */

import assert from "node:assert/strict";
import * as z from "zod";
import { configJsonSchema, configKeys } from "../../src/config/mod.ts";
import { load, REQUIRED } from "./support.ts";

const schema = configJsonSchema();
// What zod makes of a schema that it did not write is a validator like any other.
const validator = z.fromJSONSchema(schema);

async function readJson(name: string): Promise<unknown> {
  return JSON.parse(await Deno.readTextFile(new URL(`../../${name}`, import.meta.url)));
}

/** A property of the schema, by its dotted path. */
function property(path: string): Record<string, unknown> {
  let part: unknown = schema;
  for (const name of path.split(".")) {
    part = z.object({ properties: z.record(z.string(), z.unknown()) }).parse(part).properties[name];
  }
  return z.record(z.string(), z.unknown()).parse(part);
}

Deno.test("config.schema.json is what config-schema prints", async () => {
  assert.deepEqual(await readJson("config.schema.json"), JSON.parse(JSON.stringify(schema)));
});

Deno.test("config.example.json names the schema, and is valid by it", async () => {
  const example = await readJson("config.example.json");
  assert.equal(z.object({ $schema: z.string() }).parse(example).$schema, "./config.schema.json");
  assert.deepEqual(validator.safeParse(example).error, undefined);
});

Deno.test("configJsonSchema() describes every key, with its default", () => {
  for (const { path, description, required, defaultText } of configKeys) {
    const { description: text, default: standard } = property(path);
    assert.ok(String(text).includes(description), path);
    assert.equal(String(text).startsWith("Required"), required, path);
    if (defaultText !== "") {
      assert.equal(
        typeof standard === "string" ? standard || '""' : JSON.stringify(standard),
        defaultText,
      );
    }
  }
});

Deno.test("configJsonSchema() has what editors offer, and the bounds of numbers", () => {
  assert.deepEqual(property("status_format").enum, ["flat", "nested"]);
  assert.match(JSON.stringify(property("log_level")), /"enum":\["DEBUG","INFO"/);
  assert.deepEqual([property("amqp.port").minimum, property("amqp.port").maximum], [1, 65535]);
  assert.equal(property("max_retries").maximum, undefined);
  assert.equal(property("log_addresses").type, "boolean");
});

/** What stands in the file, and whether it is as it should be. */
const WRITTEN: readonly (readonly [unknown, boolean])[] = [
  [{ connector_name: "a" }, true],
  [{ conector_name: "a" }, false],
  [{ amqp: { host: "a" } }, false],
  [{ amqp: { port: 0 } }, false],
  [{ max_retries: 1.5 }, false],
  [{ status_format: "round" }, false],
  [{ turn_hmac_secret: "a" }, true],
  [{ turn_hmac_secret: ["a", "b"] }, true],
  [{ turn_hmac_secret: [] }, false],
  [{ message_cache_class: "vumi2.message_caches.MemoryMessageCache" }, true],
  [{ log_level: "debug" }, true],
  [{ ussd: { page_chars: 160, more_key: "*" } }, true],
  [{ ussd: { more_key: 9 } }, true],
  [{ ussd: { page_chars: 183 } }, false],
  [{ ussd: { more_key: "more" } }, false],
  [{ ussd: { merge_window: 0, answer_deadlines: { Vodacom: 6.5 } } }, true],
  [{ ussd: { start_texts: { "*120*8864*3#": "register" }, hold_text: "Wait" } }, true],
  [{ ussd: { answer_deadlines: { Vodacom: 0 } } }, false],
  [{ ussd: { start_texts: { "*120#": "" } } }, false],
  [{ ussd: { late: "never" } }, false],
  [{ sms_fallback: { transport_name: "sms", from_addr: "8110", mode: "content" } }, true],
  [{ sms_fallback: { address: "+" } }, false],
  [{ contact_ids: "e164", default_country: "za" }, true],
  [{ default_country: "+27" }, false],
  [{ report_states: { status: { REJECTED: "failed", none: "nothing" } } }, true],
  [{ report_states: { status: { REJECTED: "rejected" } } }, false],
  [{ report_states: { status: "failed" } }, false],
  [{ words: { audio: "Sound" } }, false],
  [{ templates: { a: { text: "a", buttons: ["b"], en: { text: "c" } } } }, true],
  [{ templates: { a: { en: { text: "c", buttons: ["d"] } } } }, true],
  [{ templates: { a: "b" } }, false],
  [{ templates: { a: { en: { buttons: ["d"] } } } }, false],
  [{ templates: { a: { text: "a", buttons: "b" } } }, false],
  [{ templates: { a: { text: "a", buttons: Array(11).fill("b") } } }, false],
  [{ middlewares: [{ class_path: "a.B" }] }, false],
];

for (const [written, isValid] of WRITTEN) {
  Deno.test(`${JSON.stringify(written)} is ${isValid ? "" : "in"}valid by the schema`, async () => {
    assert.equal(validator.safeParse(written).success, isValid);
    if (!isValid) return;
    const names = Object.keys(z.record(z.string(), z.unknown()).parse(written));
    const env = Object.entries(REQUIRED).filter(([name]) => !names.includes(name.toLowerCase()));
    const loaded = await load({ file: JSON.stringify(written), env: Object.fromEntries(env) });
    assert.equal(loaded.kind, "ok", "the program takes it too");
  });
}
