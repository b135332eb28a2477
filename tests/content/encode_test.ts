import assert from "node:assert/strict";
import fc from "fast-check";
import { isGsm7 } from "../../src/content/gsm7.ts";
import { encodeText } from "../../src/content/mod.ts";
import { anyText } from "../turn/arbitraries.ts";

const PLAIN: readonly [string, string, string][] = [
  [
    "what it has",
    "@£¥èéùìòÇØøÅåΔÆæßÉ¤¡ÄÖÑÜ§¿äöñüà^{}[~]|€\n\r\f",
    "@£¥èéùìòÇØøÅåΔÆæßÉ¤¡ÄÖÑÜ§¿äöñüà^{}[~]|€\n\r\f",
  ],
  ["letters in two code points", "cafe\u0301 A\u030a", "café Å"],
  ["letters that have another code too", "\u212b \u2126", "Å Ω"],
  ["keycaps", "1️⃣ 2⃣ #️⃣", "1 2 #"],
  ["emoji", "Hi👋🏽! 👩🏽‍⚕️❤️🇿🇦 ok", "Hi!  ok"],
  ["an emoji of a flag with tags", "🏴󠁧󠁢󠁥󠁮󠁧󠁿.", "."],
  ["only emoji", "👍", ""],
  ["quotes", "‘a’ “b” „c‟ «d» ‹e› `f´", "'a' \"b\" \"c\" \"d\" 'e' 'f'"],
  ["dashes", "a‐b‑c–d—e−f", "a-b-c-d-e-f"],
  ["an ellipsis, bullets", "• a…\n◦ b", "- a...\n- b"],
  ["no-break spaces and other blanks", "a\u00a0b\u202fc\u2009d\te", "a b c d e"],
  ["Latin letters", "çÇêłŁőŒŋƙẹ\u0301", "cÇelLoOengke"],
  ["a letter with marks that has no code", "m\u0300 n\u0303\u0331", "m n"],
  ["what can't be seen", "\ufeff+27\u200e 82\u2060\u202c a\u00adb", "+27 82 ab"],
];

for (const [what, text, plain] of PLAIN) {
  Deno.test(`encodeText() makes GSM-7 of ${what}`, () => {
    for (const encoding of ["gsm7", "auto"] as const) {
      const encoded = encodeText(text, encoding);
      assert.equal(encoded.kind === "encoded" && encoded.text, plain);
    }
  });
}

const REFUSED: readonly [string, string, string, number][] = [
  ["Amharic", "“Hi” ሰላም", "U+1230", 6],
  ["Arabic", "سلام", "U+0633", 1],
  ["a degree sign", "38°C", "U+00B0", 3],
  ["a character of two units after an emoji", "👍𝕏", "U+1D54F", 2],
  ["a control character", "a\u0000", "U+0000", 2],
  ["half a pair", "ab\ud83d", "U+FFFD", 3],
];

for (const [what, text, codePoint, place] of REFUSED) {
  Deno.test(`encodeText() names what GSM-7 lacks: ${what}`, () => {
    const character = String.fromCodePoint(parseInt(codePoint.slice(2), 16));
    const refused = { kind: "not_encodable", character, codePoint, place };
    assert.deepEqual(encodeText(text, "gsm7"), refused);
    assert.equal(encodeText(text, "auto").kind, "encoded");
    assert.equal(encodeText(text, "as_is").kind, "encoded");
  });
}

Deno.test("encodeText() as auto keeps what other scripts need", () => {
  const encoded = encodeText("“ሰላም” é👍 می‌شود", "auto");
  assert.deepEqual(encoded, {
    kind: "encoded",
    text: '"ሰላም" é می‌شود',
    substitutions: 3,
  });
});

Deno.test("encodeText() as is changes nothing", () => {
  fc.assert(fc.property(anyText, (text) => {
    assert.deepEqual(encodeText(text, "as_is"), { kind: "encoded", text, substitutions: 0 });
  }));
});

Deno.test("encodeText() as gsm7 gives only GSM-7, or names what it is not", () => {
  fc.assert(fc.property(anyText, (text) => {
    const encoded = encodeText(text, "gsm7");
    if (encoded.kind === "encoded") return assert.ok(isGsm7(encoded.text));
    assert.ok(!isGsm7(encoded.character));
    assert.equal([...encoded.character].length, 1);
    assert.ok(encoded.place >= 1 && encoded.place <= text.length);
  }));
});

Deno.test("encodeText() twice is encodeText() once", () => {
  const { text: any } = {
    text: fc.oneof(anyText, fc.string({ unit: fc.constantFrom(...TRICKY) })),
  };
  fc.assert(
    fc.property(any, fc.constantFrom("gsm7" as const, "auto" as const), (text, encoding) => {
      const once = encodeText(text, encoding);
      if (once.kind === "not_encodable") return;
      const twice = encodeText(once.text, encoding);
      assert.deepEqual(twice, { kind: "encoded", text: once.text, substitutions: 0 });
    }),
    { numRuns: 1000 },
  );
});

/** What may belong together when something between is gone. */
const TRICKY = [
  ...[
    "a",
    "e",
    "1",
    "#",
    "Δ",
    "ω",
    "<",
    "=",
    "‹",
    "–",
    "l·",
    "\u0301",
    "\u0338",
    "\u0345",
    "\u0327",
  ],
  ...[
    "😀",
    "\u200d",
    "\ufe0f",
    "\u20e3",
    "\ud83d",
    "\ude00",
    "🇿",
    "🏽",
    "\u200b",
    "ሰ",
    "ᄀ",
    "ᅡ",
    "ſ",
    "ŉ",
  ],
];

Deno.test("encodeText() never touches what GSM-7 has", () => {
  const gsm7 = Array.from({ length: 0x20ad }, (_, code) => String.fromCharCode(code)).filter(
    isGsm7,
  );
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...gsm7) }), (text) => {
    const around = encodeText(`${text}ሰ${text}`, "auto");
    assert.equal(around.kind === "encoded" && around.text, `${text}ሰ${text}`);
  }));
});
