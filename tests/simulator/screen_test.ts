import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { Screen } from "../../src/simulator/screen.ts";

function shown(payload: unknown, colours = false): string {
  let text = "";
  const screen = new Screen((part) => text += part, colours);
  screen.passed(["user", "bridge"], "a queue", payload);
  return text;
}

const CASES: readonly { name: string; payload: unknown; text: string }[] = [
  {
    name: "what fits on one line",
    payload: { a: 1, b: [{ c: "d" }], e: {}, f: null },
    text: '   { a: 1, b: [ { c: "d" } ], e: {}, f: null }\n',
  },
  {
    name: "ids by their ends",
    payload: { id: "0123456789abcdef0123456789abcdef" },
    text: '   { id: "…89abcdef" }\n',
  },
  {
    name: "the beginning of a long text",
    payload: { text: "a".repeat(71) },
    text: `   {\n     text: "${"a".repeat(60)}"... 11 more characters\n   }\n`,
  },
  {
    name: "a text of several lines in one, and no control characters",
    payload: { text: "a\nb\x1b" },
    text: '   { text: "a\\nb\\x1b" }\n',
  },
  { name: "that there is nothing", payload: undefined, text: "   null\n" },
];

for (const { name, payload, text } of CASES) {
  Deno.test(`Screen shows ${name}, with colours or without`, () => {
    const expected = ` user ──▶ bridge   a queue\n${text}`;
    assert.equal(shown(payload), expected);
    assert.equal(stripVTControlCharacters(shown(payload, true)), expected);
  });
}

Deno.test("Screen keeps lines within 80 characters", () => {
  const lines = shown({
    contact: { id: "+26612345678", profile: { name: "+26612345678" } },
    message: { text: { body: "a".repeat(50) }, id: "1", timestamp: "1628345678" },
  }).split("\n");
  assert.ok(lines.length > 4);
  assert.ok(lines.every((line) => line.length <= 80), lines.join("\n"));
});
