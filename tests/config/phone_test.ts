/**
 * What people read on their phones: templates with their languages, and what is wrong with them; keys
 * of a phone; and what one of several channels has of it for itself.
 *
 * @module
 */

import assert from "node:assert/strict";
import { changedKeys, formatFaults, redactedConfig } from "../../src/config/mod.ts";
import { faults, load, REQUIRED, valid } from "./support.ts";

const TEMPLATES = `
templates:
  visit:
    text: "Dear {{2}}, come on {{1}}. {{2}}!"
    buttons: [I will come, 2]
    fr: { text: Bonjour }
    pt_BR: { text: "Olá {{1}}", buttons: [Sim] }
  thanks: { en: { text: Thank you }, xh: null }
  code: { text: 120 }
  none: null
`;

Deno.test("templates are by their names, and by name and language where a language has words", async () => {
  assert.deepEqual((await valid({ file: TEMPLATES })).templates, {
    visit: { text: "Dear {{2}}, come on {{1}}. {{2}}!", buttons: ["I will come", "2"] },
    "visit.fr": { text: "Bonjour", buttons: [] },
    "visit.pt_BR": { text: "Olá {{1}}", buttons: ["Sim"] },
    "thanks.en": { text: "Thank you", buttons: [] },
    code: { text: "120", buttons: [] },
  });
  for (const none of ["templates:", "templates: {}", "templates: {a: null}"]) {
    assert.deepEqual((await valid({ file: none })).templates, {}, none);
  }
  const all = Array.from({ length: 50 }, (_, index) => `{{${50 - index}}}`).join(" ");
  const given = { file: JSON.stringify({ templates: { all: { text: all } } }) };
  assert.equal((await valid(given)).templates.all?.text, all);
});

const PLACEHOLDERS = "text with placeholders {{1}}, {{2}} and so on, without a gap, at most {{50}}";

/** Texts that can't be filled in, and how the fault ends. */
const TEXTS: Readonly<Record<string, string>> = {
  "Dear {{name}}": "; not {{name}}",
  "{{0}}": "; not {{0}}",
  "{{01}}": "; not {{01}}",
  "{{ 1 }}": "; not {{ 1 }}",
  "{{ }}": "; not {{ }}",
  "{{}}": "; not {{}}",
  "{{-1}}": "; not {{-1}}",
  "{{51}}": "; not {{51}}",
  "{{1}} {{100}}": "; not {{100}}",
  "{{{1}}}": "",
  "{{https://x/}}": "",
  "{{1}} and {{2": "; one has no }} at its end",
  "{{1}} and 2}}": "; one has no {{ before it",
  "{{3}}": "; {{1}} is missing",
  "{{1}} {{3}}": "; {{2}} is missing",
};

for (const [text, end] of Object.entries(TEXTS)) {
  Deno.test(`a template's text ${text} is a fault that says why`, async () => {
    const file = JSON.stringify({ templates: { a: { en: { text: `Hello, ${text}` } } } });
    const [fault, ...others] = await faults({ file });
    assert.deepEqual(others, []);
    assert.deepEqual([fault?.key, fault?.expected], ["templates.a.en.text", PLACEHOLDERS + end]);
    assert.equal(fault?.source, "file config.yaml");
    assert.equal(
      fault?.value,
      text.includes("//") ? '"Hello, {{https://x/}}"' : `"Hello, ${text}"`,
    );
  });
}

Deno.test("what looks like a placeholder and is none needs no number", async () => {
  const text = "{1} { {1} } }{ {{1}}";
  const file = JSON.stringify({ templates: { a: { text } } });
  assert.equal((await valid({ file })).templates.a?.text, text);
});

/** A template as it stands in the file; the keys of its faults, and the first one's value. */
const FORMS: readonly (readonly [unknown, readonly string[], string])[] = [
  ["text", [""], "text"],
  [["text"], [""], "a list"],
  [{}, [""], "a mapping"],
  [{ buttons: ["a"] }, [""], "a mapping"],
  [{ text: null, buttons: ["a"] }, [""], "a mapping"],
  [{ text: " " }, [".text"], '" "'],
  [{ text: ["a"] }, [".text"], "a list"],
  [{ txt_: "a" }, [".txt_"], "a"],
  [{ txt: "a" }, [".txt"], "a"],
  [{ english: { text: "a" } }, [".english"], "a mapping"],
  [{ en: {} }, [".en"], "a mapping"],
  [{ en: { text: "a", title: "b" } }, [".en.title"], "b"],
  [{ text: "a", buttons: "b" }, [".buttons"], "b"],
  [{ text: "a", buttons: Array(11).fill("b") }, [".buttons"], "a list"],
  [{ text: "a", buttons: ["b", "", " ", "c\nd", "{{1}}"] }, [
    ...[".buttons[1]", ".buttons[2]", ".buttons[3]", ".buttons[4]"],
  ], '""'],
  [{ text: "", fr: { text: "{{x}}" }, pt: { buttons: [] } }, [".text", ".fr.text", ".pt"], '""'],
];

for (const [written, keys, value] of FORMS) {
  Deno.test(`a template that is ${JSON.stringify(written).slice(0, 70)} is refused`, async () => {
    const file = JSON.stringify({ templates: { a: written, good: { text: "b" } } });
    const found = await faults({ file });
    assert.deepEqual(found.map(({ key }) => key), keys.map((key) => `templates.a${key}`));
    assert.equal(found[0]?.value, value);
    assert.ok(found.every(({ expected }) => expected.length > 5));
  });
}

Deno.test("a template's name may be anything but empty or with a dot", async () => {
  const text = "b";
  const templates = { "Two words": { text }, constructor: { text }, "ä-1": { text } };
  const config = await valid({ file: JSON.stringify({ templates }) });
  assert.deepEqual(Object.keys(config.templates), Object.keys(templates));
  const found = await faults({ file: JSON.stringify({ templates: { "": {}, "a.b": {} } }) });
  assert.deepEqual(found.map(({ key, value }) => [key, value]), [
    ['templates.""', '""'],
    ["templates.a.b", "a.b"],
  ]);
  assert.match(found[0]?.expected ?? "", /name, not empty and without a dot/);
});

Deno.test("the names of templates can't garble a terminal, nor show credentials", async () => {
  const templates = { "\x1b[2J": {}, "amqp://user:hush@host": {} };
  const found = await faults({ file: JSON.stringify({ templates }) });
  assert.deepEqual(found.map(({ key }) => key), ['templates."\\u001b[2J"', "templates.********"]);
  assert.ok(!/\p{Cc}|hush/u.test(formatFaults(found).replaceAll("\n", "")));
});

Deno.test("templates in a variable or a flag are JSON, in place of those in the file", async () => {
  const env = { TEMPLATES: '{"a": {"text": "{{1}}", "buttons": ["b"]}}' };
  const config = await valid({ file: TEMPLATES, env });
  assert.deepEqual(config.templates, { a: { text: "{{1}}", buttons: ["b"] } });
  assert.equal(redactedConfig(config).templates, JSON.stringify(config.templates));
  const [fault, ...others] = await faults({ flags: { templates: '{"a": {"text": "{{b}}"}}' } });
  assert.deepEqual(others, []);
  assert.deepEqual(fault, {
    key: "templates.a.text",
    value: "{{b}}",
    expected: `${PLACEHOLDERS}; not {{b}}`,
    source: "flag --templates",
  });
});

Deno.test("ussd.more_key is what a phone can type, also unquoted in the file", async () => {
  for (const [written, key] of [["0", "0"], ["099", "099"], ["'*#9'", "*#9"], ["'#'", "#"]]) {
    const { ussd } = await valid({ file: `ussd: { more_key: ${written} }\n` });
    assert.equal(ussd.more_key, key);
  }
  const [fault] = await faults({ file: "ussd: { more_key: more }\n" });
  assert.deepEqual([fault?.key, fault?.value], ["ussd.more_key", "more"]);
  assert.match(fault?.expected ?? "", /^1 to 3 keys of a phone, which are 0-9, \* and #/);
});

Deno.test("ussd.page_chars over the standard's 182 is a fault that says so", async () => {
  const [fault] = await faults({ file: "ussd: { page_chars: 183 }\n" });
  assert.deepEqual([fault?.value, fault?.expected], ["183", "whole number, 60 to 182"]);
});

Deno.test("ussd.more_text counts characters as people do", async () => {
  const more_text = "😀".repeat(17);
  const config = await valid({ file: JSON.stringify({ ussd: { more_text } }) });
  assert.equal(config.ussd.more_text, more_text);
});

const SHARED = `
words: { picture: Image }
sms: { long: split }
text_encoding: auto
templates: { a: { text: shared, en: { text: SHARED } }, b: { text: b } }
`;

/** Two channels; `own` is what the first one has for itself. */
function two(shared: string, own: string): string {
  return `${shared}\nchannels:
  - { connector_name: c1, vumi_api_path: /1, ${own} }
  - { connector_name: c2, vumi_api_path: /2 }\n`;
}

/** What is required, but for the name that each channel has for itself. */
const { CONNECTOR_NAME: _, ...ENV } = REQUIRED;

async function channels(file: string) {
  const loaded = await load({ file, env: ENV });
  assert.ok(loaded.kind === "ok", JSON.stringify(loaded));
  assert.deepEqual(loaded.warnings, []);
  return loaded.config;
}

Deno.test("a channel has words, templates and the rest for itself, name by name", async () => {
  const own = "words: { video: Film }, sms: { max_parts: 2 }, menu_reply: text, " +
    "templates: { a: { text: own }, b: null, c: { text: c } }";
  const { channels: [first, second] } = await channels(two(SHARED, own));
  const b = { text: "b", buttons: [] };
  assert.deepEqual(first?.words, {
    ...{ picture: "Image", video: "Film" },
    ...{ voice_message: "Voice message", document: "Document" },
  });
  const sending = {
    ...{ resend_for: 900, max_per_second: 0, unacked_after: 60, fail_unacked: false },
  };
  assert.deepEqual([first?.sms, second?.sms], [
    { long: "split", max_parts: 2, ...sending },
    { long: "split", max_parts: 4, ...sending },
  ]);
  assert.deepEqual([first?.menu_reply, second?.menu_reply], ["text", "auto"]);
  assert.deepEqual([first?.text_encoding, second?.words.video], ["auto", "Video"]);
  assert.deepEqual(first?.templates, {
    a: { text: "own", buttons: [] },
    b,
    c: { text: "c", buttons: [] },
  });
  assert.deepEqual(second?.templates, {
    a: { text: "shared", buttons: [] },
    "a.en": { text: "SHARED", buttons: [] },
    b,
  });
});

Deno.test("a fault in a template names the channel whose it is, and is told once if it is shared", async () => {
  const shared = "templates: { a: { text: '{{x}}' }, b: { text: b } }";
  const own = "templates: { b: { text: '{{y}}' }, 'c d': 5 }";
  const loaded = await load({ file: two(shared, own), env: ENV });
  assert.ok(loaded.kind === "faulty");
  assert.deepEqual(loaded.faults.map(({ key, source }) => [key, source]), [
    ["templates.a.text", "file config.yaml"],
    ["channels[0].templates.b.text", "file config.yaml, channels[0]"],
    ['channels[0].templates."c d"', "file config.yaml, channels[0]"],
  ]);
  for (const wrong of ["5", "[a]"]) {
    const { kind, ...rest } = await load({ file: two(shared, `templates: ${wrong}`), env: ENV });
    assert.ok(kind === "faulty" && "faults" in rest);
    assert.deepEqual(rest.faults.map(({ key }) => key), [
      "channels[0].templates",
      "templates.a.text",
    ]);
  }
  const env = { ...ENV, CHANNELS_1_TEMPLATES: '{"a": {}}' };
  const byVariable = await load({ file: two("", "templates: {}"), env });
  assert.ok(byVariable.kind === "faulty");
  assert.deepEqual(byVariable.faults.map(({ key, source }) => [key, source]), [
    ["channels[1].templates.a", "environment variable CHANNELS_1_TEMPLATES"],
  ]);
});

Deno.test("changedKeys() tells of templates and words, of each channel", async () => {
  const before = await channels(two(SHARED, "words: { video: Film }"));
  const after = await channels(
    two(SHARED.replace("text: b", "text: B"), "words: { video: Clip }"),
  );
  assert.deepEqual(changedKeys(before, after), [
    "channels[0].words.video",
    "channels[0].templates",
    "channels[1].templates",
  ]);
});

/** A value of `report_states`, and its faults' keys, values and what is expected. */
const STATES: readonly (readonly [unknown, readonly (readonly string[])[]])[] = [
  [{ smpp_delivery_status: { Buffered: "sent", "0": "delivered", none: null }, other: {} }, []],
  [{ status: { BUFFERED: "pending", GONE: "failed" } }, [
    ["report_states.status.BUFFERED", "pending", "one of delivered, failed, sent, nothing"],
  ]],
  [{ status: { "": "sent" }, "my status": {} }, [
    ['report_states.status.""', '""', "a word of 1 to 40 characters, without blanks at its ends"],
    [
      'report_states."my status"',
      '"my status"',
      "a field of transport_metadata, of 1 to 64 characters without blanks",
    ],
  ]],
  [{ status: { Gone: "failed", GONE: "sent" } }, [[
    "report_states.status.GONE",
    "GONE",
    "not again: the name stands there already, and upper and lower case make no difference",
  ]]],
  [{ UNDELIV: "failed" }, [[
    "report_states.UNDELIV",
    "failed",
    "mapping of words to one of delivered, failed, sent, nothing; as text in JSON",
  ]]],
  [["UNDELIV"], [[
    "report_states",
    "a list",
    "mapping of fields to {word: delivered, failed, sent or nothing}; as text in JSON",
  ]]],
];

for (const [written, expected] of STATES) {
  Deno.test(`report_states: ${JSON.stringify(written)} has ${expected.length} faults`, async () => {
    const found = await faults({ file: JSON.stringify({ report_states: written }) });
    assert.deepEqual(
      found.map(({ key, value = "", expected }) => [key, value, expected]),
      expected,
    );
  });
}

Deno.test("report_states has fields with words, also as JSON in a variable", async () => {
  const written = '{"status": {"Gone": "failed", "Lost": null}}';
  const expected = { status: { Gone: "failed" } };
  const { report_states } = await valid({ file: `report_states: ${written}` });
  assert.deepEqual(report_states, expected);
  const config = await valid({ env: { REPORT_STATES: written } });
  assert.deepEqual(config.report_states, expected);
});
