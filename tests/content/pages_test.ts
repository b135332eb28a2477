import assert from "node:assert/strict";
import fc from "fast-check";
import { type PageOptions, screenCapacity, sizeOf, toPages } from "../../src/content/mod.ts";
import { anyText } from "../turn/arbitraries.ts";

const OPTIONS: PageOptions = { pageChars: 182, moreKey: "98", moreText: "More", maxPages: 6 };
const MORE = "\n98. More";
const SMALL = { ...OPTIONS, pageChars: 40 };

Deno.test("screenCapacity() is 182 septets or 80 units, and 160 or 70", () => {
  assert.deepEqual(screenCapacity(182), { septets: 182, units: 80 });
  assert.deepEqual(screenCapacity(160), { septets: 160, units: 70 });
});

const PAGES: readonly [string, PageOptions, string, readonly string[]][] = [
  ["nothing", OPTIONS, "", [""]],
  ["what just fits", OPTIONS, "a".repeat(182), ["a".repeat(182)]],
  ["what just fits as UCS-2", OPTIONS, "ሰ".repeat(80), ["ሰ".repeat(80)]],
  ["what fits, unchanged", OPTIONS, " a \r\n\r\n b ", [" a \r\n\r\n b "]],
  ["what fits once it is tidy", SMALL, `${"a".repeat(20)}  \r\n \n\n${"b".repeat(19)}`, [
    `${"a".repeat(20)}\n${"b".repeat(19)}`,
  ]],
  ["extension characters as two", OPTIONS, "€".repeat(92), [
    "€".repeat(86) + MORE,
    "€".repeat(6),
  ]],
  [
    "lines, at the last line end in the second half",
    SMALL,
    `${"a".repeat(16)}\nbb bb ${"c".repeat(20)}`,
    [
      `${"a".repeat(16)}${MORE}`,
      `bb bb ${"c".repeat(20)}`,
    ],
  ],
  [
    "lines that end just before the half, at the last space",
    SMALL,
    `${"a".repeat(14)}\nbb bb ${"c".repeat(20)}`,
    [
      `${"a".repeat(14)}\nbb bb${MORE}`,
      "c".repeat(20),
    ],
  ],
  [
    "lines that end in the first half, at the last space",
    SMALL,
    `aaa\nbb bb bb bb bb bb cccccccccccccccccccc`,
    [
      `aaa\nbb bb bb bb bb bb${MORE}`,
      `cccccccccccccccccccc`,
    ],
  ],
  ["a long word, after the word before it", SMALL, `See ${"x".repeat(40)}`, [
    `See${MORE}`,
    "x".repeat(40),
  ]],
  ["one word, between characters", SMALL, "x".repeat(60), [
    `${"x".repeat(31)}${MORE}`,
    "x".repeat(29),
  ]],
  ["clusters, which stay whole", SMALL, "👩🏽‍⚕️".repeat(3), [
    `👩🏽‍⚕️${MORE}`,
    "👩🏽‍⚕️👩🏽‍⚕️",
  ]],
  ["each screen by itself", SMALL, `${"a".repeat(30)} ${"ሰ".repeat(15)}`, [
    `${"a".repeat(30)}${MORE}`,
    "ሰ".repeat(15),
  ]],
  ["no more than max_pages", { ...SMALL, maxPages: 2 }, "word ".repeat(40), [
    `word word word word word word${MORE}`,
    "word word word word word word word...",
  ]],
  ["no more than one page", { ...SMALL, maxPages: 1 }, "x".repeat(41), [`${"x".repeat(37)}...`]],
  ["a menu", SMALL, "Pick one\n1. Apples\n2. Pears\n3. Plums\n4. Quinces", [
    `Pick one\n1. Apples\n2. Pears${MORE}`,
    "3. Plums\n4. Quinces",
  ]],
];

for (const [what, options, text, pages] of PAGES) {
  Deno.test(`toPages() shows ${what}`, () => assert.deepEqual(toPages(text, options), pages));
}

Deno.test("toPages() loses and adds nothing but blanks, within a screen each", () => {
  const options = fc.record({
    pageChars: fc.integer({ min: 60, max: 182 }),
    moreKey: fc.constantFrom("98", "0", "#"),
    moreText: fc.constantFrom("More", "Meer…", "ተጨማሪ", "Next [>]"),
    maxPages: fc.integer({ min: 1, max: 9 }),
  });
  const texts = fc.array(anyText, { maxLength: 8 }).map((texts) => texts.join(" "));
  fc.assert(
    fc.property(texts, options, (text, options) => {
      const pages = toPages(text, options);
      const { septets, units } = screenCapacity(options.pageChars);
      for (const page of pages) {
        const size = sizeOf(page);
        assert.ok(size.encoding === "gsm7" ? size.septets <= septets : size.units <= units);
      }
      assert.ok(pages.length >= 1 && pages.length <= options.maxPages);
      const more = `\n${options.moreKey}. ${options.moreText}`;
      const bodies = pages.map((page, index) => {
        if (index === pages.length - 1) return page;
        assert.ok(page.endsWith(more) && page.slice(0, -more.length).trim() !== "");
        return page.slice(0, -more.length);
      });
      const [all, shown] = [withoutBlanks(text), withoutBlanks(bodies.join(""))];
      if (all === shown) return checkClusters(text, bodies, units - more.length);
      assert.ok(pages.length === options.maxPages && shown.endsWith("..."));
      assert.ok(all.startsWith(shown.slice(0, -3)));
    }),
    { numRuns: 500 },
  );
});

/** Each cut is where a cluster ends; but for clusters that are longer than a screen. */
function checkClusters(text: string, bodies: readonly string[], longest: number): void {
  const ends = new Set([0]);
  let position = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (segment.length > longest) return;
    position += withoutBlanks(segment).length;
    ends.add(position);
  }
  position = 0;
  for (const body of bodies) {
    position += withoutBlanks(body).length;
    assert.ok(ends.has(position), JSON.stringify(bodies));
  }
}

function withoutBlanks(text: string): string {
  return text.replace(/\s+/g, "");
}
