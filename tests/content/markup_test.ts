import assert from "node:assert/strict";
import fc from "fast-check";
import { withoutMarkup } from "../../src/content/markup.ts";
import { anyText } from "../turn/arbitraries.ts";

const REMOVED: readonly [string, string][] = [
  ["*bold*", "bold"],
  ["_italic_", "italic"],
  ["~struck~", "struck"],
  ["```mono```", "mono"],
  ["a *bold one*, and _another_!", "a bold one, and another!"],
  ["(*bold*)", "(bold)"],
  ["👉*bold*👈", "👉bold👈"],
  ["*_~both~_*", "both"],
  ["_*a* b_", "a b"],
  ["*አዎ* *نعم*", "አዎ نعم"],
  ["*a*\n*b*", "a\nb"],
  ["*120*8864*3# is *free*", "*120*8864*3# is free"],
  ["*https://x.org/*", "https://x.org/"],
  ["Dial *now*: *120*8864#", "Dial now: *120*8864#"],
];

const KEPT = [
  "*120*8864#",
  "Dial *120*8864# or *130*1#",
  "*120# and *121#",
  "2*3*4",
  "2 * 3 * 4",
  "a* b *c",
  "snake_case_name",
  "_snake_case",
  "* item\n* item",
  "*two\nlines*",
  "* blank*",
  "*blank *",
  "**",
  "****",
  "``",
  "~/a/~b",
  "https://x.org/_a_/*b*?c=~d~",
  "www.x.org/_a_",
  "x.org/_a_/b",
  "ann_b_@x.org",
  "*120*#",
];

for (const [marked, plain] of REMOVED) {
  Deno.test(`withoutMarkup() takes the marks off ${JSON.stringify(marked)}`, () => {
    assert.equal(withoutMarkup(marked), plain);
  });
}

for (const text of KEPT) {
  Deno.test(`withoutMarkup() leaves ${JSON.stringify(text)}`, () => {
    assert.equal(withoutMarkup(text), text);
  });
}

Deno.test("withoutMarkup() takes nothing but marks away", () => {
  const marks = /[*_~`]/g;
  fc.assert(fc.property(anyText, (text) => {
    assert.equal(withoutMarkup(text).replace(marks, ""), text.replace(marks, ""));
  }));
});
