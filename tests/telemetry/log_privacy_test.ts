import assert from "node:assert/strict";
import fc from "fast-check";
import { shortenAddress } from "../../src/telemetry/mod.ts";

for (
  const [address, short] of [
    ["+26612345678", "+2661...678"],
    ["26612345678", "26612...678"],
    ["0821234567", "082...67"],
    ["8110", "8..."],
    ["a", "..."],
    ["", "..."],
    ["someone@example.org", "someo...org"],
  ] as const
) {
  Deno.test(`shortenAddress() makes ${short} of ${address}`, () => {
    assert.equal(shortenAddress(address), short);
  });
}

Deno.test("shortenAddress() hides a quarter or more of any number, and stays short", () => {
  const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 2000 });
  fc.assert(fc.property(digits, (digits) => {
    const short = shortenAddress(digits.join(""));
    assert.ok(short.length - 3 <= Math.min(8, (digits.length * 8) / 11), short);
  }));
});
