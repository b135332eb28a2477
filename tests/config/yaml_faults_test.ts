/**
 * Mistakes that are made in YAML and JSON: each is told with its place and what to do.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configKeys, formatFaults } from "../../src/config/mod.ts";
import { faults, load, REQUIRED } from "./support.ts";

/** A mistake of syntax: the file, and what is expected instead. */
const SYNTAX: readonly (readonly [what: string, file: string, expected: string])[] = [
  [
    "an unclosed quote at the end",
    'a: "b\nc: d\n',
    "line 1, column 4: the quote that begins here is not closed on its line",
  ],
  [
    "an unclosed quote before another one",
    "x: 1\na: 'b\nc: 'd'\n",
    "line 2, column 4: the quote that begins here is not closed on its line",
  ],
  [
    "an unclosed quote that another one closes",
    '{\n  "a": "b,\n  "c": "d"\n}\n',
    "line 2, column 8: the quote that begins here is not closed on its line",
  ],
  [
    "an apostrophe in quotes",
    "a: 'it's late'\n",
    "line 1, column 8: nothing may follow the closing quote; inside of '…' write a quote as ''",
  ],
  [
    "a list that is not closed",
    "a: [1, 2\nb: 3\n",
    "line 1, column 4: the [ that begins here is not closed",
  ],
  [
    "a mapping that is not closed",
    'b: 1\na: {c: 1, d: "e"\n',
    "line 2, column 4: the { that begins here is not closed",
  ],
  [
    "a missing comma",
    '{"a": "b" "c": 1}',
    "line 1, column 10: a comma, or a closing bracket, is missing here",
  ],
  [
    "a value that begins with @",
    "a: @b\n",
    "line 1, column 4: put quotes around a value that begins with @",
  ],
  [
    "a code that is a key",
    "ussd:\n  start_texts:\n    *120*8864*3#: register\n",
    "line 3, column 5: put quotes around a key that begins with *",
  ],
  [
    "a code that is a key in braces",
    "ussd: {start_texts: {*120*1#: hi}}\n",
    "line 1, column 22: put quotes around a key that begins with *",
  ],
  [
    "a colon in a value in braces",
    "ussd: {hold_text: Please wait: reply 1}\n",
    "line 1, column 19: put quotes around a value with a colon and a space in it",
  ],
  ["a star alone", "a: *\n", "line 1, column 4: put quotes around a value that begins with *"],
  [
    "a colon in a value",
    "a: b: c\n",
    "line 1, column 4: put quotes around a value with a colon and a space in it, and indent keys " +
    "that belong together by as many spaces",
  ],
  [
    "no space behind the colon",
    "a:1\nb: 2\n",
    "line 1, column 1: write a colon and a space between a key and its value",
  ],
  ["a tab", "amqp:\n\tport: 1\n", "line 2, column 1: indent with spaces, not with tabs"],
  [
    "a dash that was forgotten",
    "channels:\n  - a: 1\n  b: 2\n",
    "line 3, column 1: indent this line as the ones that it belongs to; an item of a list begins " +
    "with a dash and a space",
  ],
  [
    "a key that stands apart from its mapping",
    "channels:\n  - a: 1\n   b: 2\n",
    "line 3, column 1: write a colon and a space between a key and its value, and indent keys that " +
    "belong together by as many spaces",
  ],
  [
    "a backslash in double quotes",
    'a: "b\\qc"\n',
    "line 1, column 6: a backslash in \"…\" begins an escape: put it in '…', or write it twice",
  ],
  [
    "a second document",
    "a: 1\n---\nb: 2\n",
    "line 2, column 1: remove the line ---: the file is one document",
  ],
  ["a key twice", "a: 1\n'b': 2\n'b': 3\n", "line 3, column 1: b is there twice; remove one"],
];

for (const [what, file, expected] of SYNTAX) {
  Deno.test(`${what} is told with its place and what to do`, async () => {
    const loaded = await load({ file, env: REQUIRED });
    assert.ok(loaded.kind === "faulty");
    assert.deepEqual(loaded.faults.map((fault) => fault.expected), [`YAML or JSON: ${expected}`]);
  });
}

Deno.test("a code without quotes is one fault of its key, with the others", async () => {
  const file = `connector_name: c
log_level: LOUD
channels:
  - default_from_addr: *120*8864#
    ussd:
      more_key: #9
    turn_hmac_secret: [*12#, b]
`;
  const found = await faults({ file });
  assert.deepEqual(found.map(({ key, value, source }) => [key, value, source]), [
    ["channels[0].default_from_addr", "*120*8864#", "file config.yaml, line 4"],
    ["channels[0].ussd.more_key", "#9", "file config.yaml, line 6"],
    ["channels[0].turn_hmac_secret[0]", "********", "file config.yaml, line 7"],
    ["log_level", "LOUD", "file config.yaml"],
  ]);
  assert.match(found[0]?.expected ?? "", /^quotes around it, as in "\*120\*8864#": /);
  assert.match(found[1]?.expected ?? "", /^quotes around it, as in "#9": without them # begins/);
  const alone = await faults({ file: "connector_name: c\nussd:\n  more_key: #\n" });
  assert.deepEqual(alone.map(({ key, value }) => [key, value]), [["ussd.more_key", "#"]]);
});

Deno.test("what has anchors, and what is a comment, is no fault", async () => {
  const file = "x: &1 a\nconnector_name: *1\nlog_level: # as it is\nempty_message_body: #8864 is\n";
  assert.deepEqual(await faults({ file }), []);
});

Deno.test("only a key of what people dial is no empty key with a comment such as #123", async () => {
  const file = `sentry_dsn: #123
empty_message_body: #42
ussd:
  start_text: #1
  start_texts: #2
    "*120#": #3
  hold_text: #4
sms_fallback: { transport_name: sms, from_addr: #5
  }
channels:
  - default_from_addr: #6
    transport_type: #7
    auth_token: #8
    ussd: #9
`;
  assert.deepEqual((await faults({ file })).map(({ key, value }) => [key, value]), [
    ["ussd.start_texts.(not a name)", "#3"],
    ["sms_fallback.from_addr", "#5"],
    ["channels[0].default_from_addr", "#6"],
  ]);
});

Deno.test("an alias without anchor that may be a secret is not shown", async () => {
  const [fault, ...others] = await faults({ file: "auth_token: *hunter2\n" });
  assert.deepEqual(others, []);
  assert.deepEqual([fault?.key, fault?.value], ["auth_token", "********"]);
  assert.doesNotMatch(JSON.stringify(fault), /hunter2/);
});

/** What may be a code and a secret, and how it can be written. */
const DIGITS = "123456789";
const SHAPES = [`*${DIGITS}`, `#${DIGITS}`, `[*${DIGITS}]`, `\n- *${DIGITS}`, `{*${DIGITS} : x}`];

/** A file with only this value. */
function fileWith(path: string, value: string): string {
  const [name = "", ...inner] = path.split(".");
  const rest = inner.length === 0 ? value : `\n${fileWith(inner.join("."), value)}`;
  return `${name}: ${rest.replaceAll("\n", "\n  ")}\n`;
}

Deno.test("under the key of a secret no code is shown, however it is written", async () => {
  const secret = configKeys.filter(({ secrecy }) => secrecy !== "none").map(({ path }) => path);
  assert.ok(secret.length > 8, secret.join());
  const groups = secret.map((path) => path.replace(/\.?\w+$/, "")).filter((path) => path !== "");
  // Also where no key is, or one is misspelt.
  for (const path of [...secret, ...groups, "turn_hmac_secrte", "base.auth_token", "channels"]) {
    for (const shape of SHAPES) {
      const plain = fileWith(path, shape);
      for (const file of [plain, `channels:\n  - ${plain.replaceAll("\n", "\n    ")}\n`]) {
        const loaded = await load({ file, env: REQUIRED });
        assert.ok(!JSON.stringify(loaded).includes(DIGITS), `${file}: ${JSON.stringify(loaded)}`);
        if (!shape.includes("*")) continue;
        assert.ok(loaded.kind === "faulty", file);
        assert.equal(loaded.faults[0]?.value, "********", file);
        assert.match(loaded.faults[0].expected, /^quotes around it: without them \*/);
      }
    }
  }
});

Deno.test("the faulty entries of a list are told, in a file and in a text", async () => {
  const file = "retry_schedule: [5, x, 60, 0]\namqp: {hostname: [a, 'b c']}\n" +
    "amqp_url: ['amqp://a', 'http://u:hush@b']\n";
  assert.deepEqual((await faults({ file })).map(({ key, value }) => [key, value]), [
    ["retry_schedule[1]", "x"],
    ["retry_schedule[3]", "0"],
    ["amqp.hostname[1]", '"b c"'],
    ["amqp_url[1]", "********"],
  ]);
  const env = { RETRY_SCHEDULE: "5,60,y" };
  const [fault] = await faults({ env });
  assert.deepEqual([fault?.key, fault?.value], ["retry_schedule[2]", "y"]);
  const channels = "channels: [{retry_schedule: [1, z]}]\n";
  assert.equal((await faults({ file: channels }))[0]?.key, "channels[0].retry_schedule[1]");
});

Deno.test("formatFaults() has unknown keys with the faults, in 80 columns", async () => {
  const { TURN_API_URL: _, ...env } = REQUIRED;
  const loaded = await load({ file: "turn_api_ul: https://t.example\n", env });
  assert.ok(loaded.kind === "faulty");
  assert.equal(
    formatFaults(loaded.faults, loaded.warnings),
    `The configuration has 1 fault:

  turn_api_url
    value     (missing)
    expected  required: http:// or https:// URL without user and password,
              ?query and #fragment
    source    nowhere; set it in the file, as TURN_API_URL in the environment,
              or by --turn-api-url

Besides:

  - turn_api_ul in file config.yaml is not known and has no effect; did you mean
    turn_api_url?
`,
  );
});
