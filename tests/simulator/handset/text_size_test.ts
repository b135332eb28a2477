import assert from "node:assert/strict";
import { screenSize, smsSize } from "../../../src/simulator/handset/text_size.ts";

for (
  const { what, text, characters, encoding, capacity, segments } of [
    { what: "nothing", text: "", characters: 0, encoding: "gsm7", capacity: 182, segments: 1 },
    {
      what: "letters that count twice",
      text: "€[1]",
      characters: 7,
      encoding: "gsm7",
      capacity: 182,
      segments: 1,
    },
    {
      what: "a whole screen",
      text: "a".repeat(182),
      characters: 182,
      encoding: "gsm7",
      capacity: 182,
      segments: 2,
    },
    {
      what: "a letter that GSM-7 lacks",
      text: `${"a".repeat(79)}ş`,
      characters: 80,
      encoding: "ucs2",
      capacity: 80,
      segments: 2,
    },
  ] as const
) {
  Deno.test(`screenSize() and smsSize() count ${what}`, () => {
    assert.deepEqual(screenSize(text, 182), { characters, encoding, capacity });
    assert.deepEqual(smsSize(text), { characters, encoding, segments });
  });
}

Deno.test("screenSize() counts what a network with smaller screens shows", () => {
  assert.equal(screenSize("a", 160).capacity, 160);
  assert.equal(screenSize("ş", 160).capacity, 70);
});
