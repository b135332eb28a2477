/**
 * Texts that are made to stop us: none takes more time than its length makes right. Were any of it
 * quadratic, it would take many minutes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { encodeText, pick, showMessage, toPages, toSmsParts } from "../../src/content/mod.ts";
import { turnMessageSchema } from "../../src/turn/messages.ts";

const N = 100_000;

const TEXTS: readonly [string, string][] = [
  ["one letter", "a".repeat(N)],
  ["blanks", `a${" ".repeat(N)}b`],
  ["blank lines", "\r\n ".repeat(N)],
  ["marks of alternating classes", `a${"\u0301\u0316".repeat(N)}`],
  ["marks between joiners", "e\u0301\u200d\u0316".repeat(N)],
  ["letters that expand", "\ufdfa".repeat(N / 10)],
  ["lone surrogates", "\ud83d \ude00".repeat(N)],
  ["right to left and back", "\u202eسلام\u202c abc ".repeat(N / 10)],
  ["emoji joined to one", "👩🏽\u200d".repeat(N)],
  ["flags", "🇿".repeat(N)],
  ["openings of marks", "*a _b ~c ```d ".repeat(N / 10)],
  ["nothing but marks", "*_~`".repeat(N)],
  ["schemes", "https://".repeat(N)],
  ["zeros", "0".repeat(N)],
  ["digits", "1".repeat(N)],
  ["placeholders", "{{1".repeat(N)],
  ["Latin letters with marks", "e\u0323\u0301".repeat(N)],
];

const OPTIONS = {
  words: { image: "Picture", video: "Video", audio: "Voice message", document: "Document" },
  templates: new Map(),
};
const PAGES = { pageChars: 160, moreKey: "98", moreText: "More", maxPages: 1000 };

for (const [what, text] of TEXTS) {
  Deno.test(`a hostile text neither throws nor hangs: ${what}`, () => {
    for (const medium of ["ussd", "sms"] as const) {
      const message = turnMessageSchema.parse({ text: { body: text } });
      const shown = showMessage(message, null, { ...OPTIONS, medium, textEncoding: "auto" });
      if (shown.kind === "without_words" && text.trim() === "") continue;
      assert.ok(shown.kind === "shown");
      toPages(shown.text, PAGES);
      toSmsParts(shown.text, 1000);
    }
    for (const encoding of ["gsm7", "auto"] as const) encodeText(text, encoding);
    const options = [text, "Yes"].map((title) => ({ kind: "list" as const, id: "", title }));
    pick(text, options);
    pick(`1. ${text}`, options);
  });
}

Deno.test("10,000 options neither throw nor hang", () => {
  const rows = Array.from(
    { length: 10_000 },
    (_, index) => ({ id: `${index}`, title: `Row ${index}` }),
  );
  const message = turnMessageSchema.parse({
    type: "interactive",
    interactive: {
      type: "list",
      action: { sections: [{ rows }, ...rows.map(() => ({ rows: [] }))] },
    },
  });
  const shown = showMessage(message, null, { ...OPTIONS, medium: "ussd", textEncoding: "as_is" });
  assert.ok(shown.kind === "shown" && shown.options.length === 10_000);
  assert.equal(toPages(shown.text, PAGES).length > 500, true);
  assert.equal(pick("10000", shown.options)?.option.id, "9999");
  assert.equal(pick("row 9,999", shown.options)?.option.id, "9999");
});

Deno.test("what is nested deep neither throws nor hangs", () => {
  const deep = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
  turnMessageSchema.safeParse({ type: deep });
  for (const type of ["sticker", "order", "interactive", "image", "template", "contacts"]) {
    turnMessageSchema.safeParse({ type, [type]: deep, context: deep });
    turnMessageSchema.safeParse({ type, [type]: { type: "flow", action: deep, name: "x" } });
  }
});
