import assert from "node:assert/strict";
import fc from "fast-check";
import { parseDocument } from "yaml";
import { configKeys, configTemplate } from "../../src/config/mod.ts";
import { load, REQUIRED, valid } from "./support.ts";

const REQUIRED_VALUES = Object.fromEntries(
  Object.entries(REQUIRED).map(([name, value]) => [name.toLowerCase(), value]),
);

Deno.test("configTemplate() is a configuration with the values given, whatever they are", async () => {
  const text = fc.string({ minLength: 1, unit: "binary" }).filter((text) => text.isWellFormed());
  await fc.assert(fc.asyncProperty(text, text, async (address, password) => {
    const file = configTemplate({
      ...REQUIRED_VALUES,
      default_from_addr: address,
      "amqp.password": password,
    });
    const loaded = await load({ file });
    assert.ok(loaded.kind === "ok", JSON.stringify(loaded));
    assert.deepEqual(loaded.warnings, []);
    const { default_from_addr, amqp, auth_token } = loaded.config;
    assert.deepEqual([default_from_addr, amqp.password], [address, password]);
    assert.equal(auth_token, REQUIRED_VALUES.auth_token);
  }));
});

Deno.test("configTemplate() has every key with its default, most commented out, and its meaning", async () => {
  const plain = await load({ env: REQUIRED });
  // What is a comment behind the comment sign tells the meaning; the rest is what is commented out.
  const uncommented = configTemplate({}).replaceAll(
    /^( *)# ?((?: {2})*(?!# )[a-z_]+:( .*)?)$/gm,
    "$1$2",
  );
  const written = parseDocument(uncommented).toJS();
  for (const { path, required, description } of configKeys) {
    const [name = "", inner] = path.split(".");
    assert.ok(inner === undefined ? name in written : inner in written[name], path);
    if (required) assert.equal(written[name], null);
    assert.ok(configTemplate({}).replaceAll(/\n#? *# /g, " ").includes(description), path);
  }
  delete written.templates; // An example says more than that there are none.
  const loaded = await load({ file: JSON.stringify(written), env: REQUIRED });
  assert.ok(loaded.kind === "ok" && plain.kind === "ok", JSON.stringify(loaded));
  assert.deepEqual(loaded.config, plain.config);
});

Deno.test("configTemplate() has an example of templates, which is one when it is no comment", async () => {
  const [, example = ""] = /\n(# templates:\n(?:# {2}.*\n)+)/.exec(configTemplate({})) ?? [];
  const { templates } = await valid({ file: example.replaceAll(/^# /gm, "") });
  assert.deepEqual(Object.keys(templates), ["clinic_visit", "clinic_visit.fr"]);
  assert.match(templates.clinic_visit?.text ?? "", /\{\{1\}\}/);
  assert.equal(templates["clinic_visit.fr"]?.buttons.length, 2);
});

Deno.test("configTemplate() has examples of maps of ussd, which are ones when they are no comments", async () => {
  for (const values of [{}, { "ussd.start_text": "hi" }]) {
    const text = configTemplate(values);
    const examples = ["answer_deadlines", "start_texts"].map((name) => {
      const [, example = ""] = new RegExp(`\\n( +# ${name}:\\n +# {3}.*\\n)`).exec(text) ?? [];
      return example.replaceAll("# ", "");
    });
    const { ussd } = await valid({ file: `ussd:\n${examples.join("")}` });
    assert.deepEqual(ussd.answer_deadlines, { Vodacom: 6 });
    assert.deepEqual(ussd.start_texts, { "*120*8864*3#": "register" });
  }
});

Deno.test("configTemplate() writes what most will change, in the form in which the file has it", () => {
  const { ussd, words, text_encoding, sms, templates } = parseDocument(configTemplate({})).toJS();
  assert.deepEqual(ussd, { page_chars: 182, more_text: "More" });
  assert.deepEqual(Object.keys(words), ["picture", "video", "voice_message", "document"]);
  assert.deepEqual([text_encoding, sms, templates], ["as_is", undefined, undefined]);
  const given = configTemplate({ "words.video": "Film", "sms.long": "split" });
  const read = parseDocument(given).toJS();
  assert.deepEqual([read.words.video, read.sms], ["Film", { long: "split" }]);
});

Deno.test("configTemplate() of a channel of USSD writes what its users read, and how they start", () => {
  const { ussd, sms_fallback } = parseDocument(
    configTemplate({ transport_type: "ussd", "ussd.start_text": "hi" }),
  ).toJS();
  assert.deepEqual(ussd, {
    page_chars: 182,
    more_text: "More",
    sorry_text: "Sorry, this takes too long. Please dial again later.",
    start_text: "hi",
    continue_text: "Continue",
    restart_text: "Start again",
  });
  assert.equal(sms_fallback, undefined);
});
