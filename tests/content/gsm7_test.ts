import assert from "node:assert/strict";
import fc from "fast-check";
import { SegmentedMessage } from "sms-segments-calculator";
import { isGsm7 } from "../../src/content/gsm7.ts";
import { sizeOf, smsSegments } from "../../src/content/mod.ts";
import { anyText } from "../turn/arbitraries.ts";

Deno.test("the alphabet has 127 characters of one septet and 10 of two, as others count them", () => {
  const septets = new Map<number, number>();
  for (let code = 0; code < 0x10000; code++) {
    const char = String.fromCharCode(code);
    const size = sizeOf(char);
    const [count = 0, encoding] = size.encoding === "gsm7" ? [size.septets, "GSM-7"] : [0, "UCS-2"];
    septets.set(count, (septets.get(count) ?? 0) + 1);
    assert.equal(new SegmentedMessage(char).encodingName, encoding, `U+${code.toString(16)}`);
  }
  assert.deepEqual([septets.get(1), septets.get(2)], [127, 10]);
});

const SEGMENTS: readonly [string, string, number][] = [
  ["nothing", "", 1],
  ["160 septets", "a".repeat(160), 1],
  ["161 septets", "a".repeat(161), 2],
  ["80 characters of two septets", "€".repeat(80), 1],
  ["159 septets and a character of two", "a".repeat(159) + "€", 2],
  ["306 septets", "a".repeat(306), 2],
  ["307 septets", "a".repeat(307), 3],
  ["306 septets with one of two on the border", `${"a".repeat(152)}€${"a".repeat(152)}`, 3],
  ["70 units", "ሰ".repeat(70), 1],
  ["71 units", "ሰ".repeat(71), 2],
  ["134 units", "ሰ".repeat(134), 2],
  ["134 units with a pair on the border", `${"ሰ".repeat(66)}😀${"ሰ".repeat(66)}`, 3],
];

for (const [what, text, count] of SEGMENTS) {
  Deno.test(`smsSegments() counts ${what} as ${count}`, () => {
    assert.equal(smsSegments(text), count);
    assert.equal(new SegmentedMessage(text).segmentsCount, count);
  });
}

Deno.test("smsSegments() counts as others do", () => {
  const alphabets = fc.constantFrom(..."aé€[~\n", "ሰ", "س", "😀");
  const texts = fc.array(fc.tuple(alphabets, fc.nat(90)), { maxLength: 6 })
    .map((runs) => runs.map(([char, times]) => char.repeat(times)).join(""));
  fc.assert(fc.property(texts, (text) => {
    assert.equal(smsSegments(text), new SegmentedMessage(text).segmentsCount);
  }));
});

Deno.test("sizeOf() counts septets where all is GSM-7, else UTF-16 units", () => {
  fc.assert(fc.property(anyText, (text) => {
    const size = sizeOf(text);
    if (size.encoding === "ucs2") return assert.equal(size.units, text.length);
    assert.ok(isGsm7(text));
    assert.equal(size.septets, text.length + [...text.matchAll(/[\f^{}\\[\]~|€]/g)].length);
  }));
});
