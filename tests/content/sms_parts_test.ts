import assert from "node:assert/strict";
import fc from "fast-check";
import { sizeOf, SMS_CAPACITY, toSmsParts } from "../../src/content/mod.ts";
import { anyText } from "../turn/arbitraries.ts";

const WORDS = "word ".repeat(50);

const PARTS: readonly [string, string, number, readonly string[], boolean?][] = [
  ["nothing", "", 4, [""]],
  ["what just fits", "a".repeat(160), 4, ["a".repeat(160)]],
  ["what fits without the blanks around it", ` ${"a".repeat(160)}\n`, 4, ["a".repeat(160)]],
  ["words", WORDS, 4, [`${WORDS.slice(0, 154)} (1/2)`, `${WORDS.slice(155, 249)} (2/2)`]],
  ["one word", "a".repeat(161), 4, [`${"a".repeat(154)} (1/2)`, `${"a".repeat(7)} (2/2)`]],
  ["UCS-2", "ሰላም ".repeat(30), 4, [
    `${"ሰላም ".repeat(16).trim()} (1/2)`,
    `${"ሰላም ".repeat(14).trim()} (2/2)`,
  ]],
  ["too much", "a".repeat(400), 2, [
    `${"a".repeat(154)} (1/2)`,
    `${"a".repeat(151)}... (2/2)`,
  ], true],
  ["too much for one", "a".repeat(400), 1, [`${"a".repeat(151)}...`], true],
];

for (const [what, text, maxParts, texts, isCut = false] of PARTS) {
  Deno.test(`toSmsParts() splits ${what}`, () => {
    assert.deepEqual(toSmsParts(text, maxParts), { texts, isCut });
  });
}

Deno.test("toSmsParts() loses and adds nothing but blanks and numbers, within an SMS each", () => {
  const texts = fc.array(anyText, { maxLength: 12 }).map((texts) => texts.join(" "));
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 12 }), (text, maxParts) => {
      const { texts, isCut } = toSmsParts(text, maxParts);
      for (const part of texts) {
        const size = sizeOf(part);
        const { septets, units } = SMS_CAPACITY;
        assert.ok(size.encoding === "gsm7" ? size.septets <= septets : size.units <= units);
      }
      assert.ok(texts.length >= 1 && texts.length <= maxParts);
      const bodies = texts.map((part, index) => {
        const suffix = texts.length === 1 ? "" : ` (${index + 1}/${texts.length})`;
        assert.ok(part.endsWith(suffix));
        return part.slice(0, part.length - suffix.length);
      });
      const all = text.replace(/\s+/g, "");
      const sent = bodies.join("").replace(/\s+/g, "");
      if (!isCut) return assert.equal(sent, all);
      assert.ok(texts.length === maxParts && sent.endsWith("..."));
      assert.ok(all.startsWith(sent.slice(0, -3)));
    }),
    { numRuns: 500 },
  );
});
