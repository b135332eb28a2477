import assert from "node:assert/strict";
import { abridge, formatJson } from "../../src/simulator/screen.ts";

const ID = "0123456789abcdef0123456789abcdef";

const CASES: readonly { name: string; value: unknown; width: number; text: string }[] = [
  {
    name: "writes what fits on one line",
    value: { a: 1, b: [{ c: "d" }], e: {}, f: null },
    width: 51,
    text: '{ "a": 1, "b": [{ "c": "d" }], "e": {}, "f": null }',
  },
  {
    name: "fills lines with fields, and begins one for an object",
    value: { a: 1, b: 2, c: { d: 3, e: 4 }, f: 5, g: "seven" },
    width: 20,
    text: '{ "a": 1, "b": 2,\n  "c": { "d": 3,\n    "e": 4 },\n  "f": 5,\n  "g": "seven" }',
  },
  {
    name: "begins a line for an object that would fit",
    value: { a: 1, c: { d: 3 }, f: "a long text" },
    width: 30,
    text: '{ "a": 1,\n  "c": { "d": 3 },\n  "f": "a long text" }',
  },
  { name: "cuts ids", value: ID, width: 80, text: '"…89abcdef"' },
  { name: "cuts long texts", value: "a".repeat(61), width: 80, text: `"${"a".repeat(60)}…"` },
  { name: "keeps texts of a line in one", value: "a\nb\x1b", width: 80, text: '"a\\nb\\u001b"' },
  { name: "says so of nothing", value: undefined, width: 80, text: "nothing" },
  {
    name: "shows that fields were left out",
    value: abridge({ a: 1, b: null, c: null, d: 4, e: 5 }, ["a", "b"], ["c", "d"]),
    width: 80,
    text: '{ "a": 1, "b": null, "d": 4, … }',
  },
];

for (const { name, value, width, text } of CASES) {
  Deno.test(`formatJson() ${name}`, () => assert.equal(formatJson(value, width), text));
}
