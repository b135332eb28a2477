import assert from "node:assert/strict";
import fc from "fast-check";
import { sign, verify } from "../../src/turn/mod.ts";

const BODY = new TextEncoder().encode("The quick brown fox jumps over the lazy dog");
/** HMAC_SHA256("key", BODY), as everybody gives it, in base64. */
const SIGNATURE = "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg=";

Deno.test("sign() makes the well-known signature", () => {
  assert.equal(sign("key", BODY), SIGNATURE);
});

Deno.test("verify() takes the right signature of any body, and no other secret's", () => {
  fc.assert(fc.property(fc.string(), fc.uint8Array(), (secret, body) => {
    assert.ok(verify([secret], body, sign(secret, body)));
    assert.ok(!verify([`${secret}.`], body, sign(secret, body)));
  }));
});

Deno.test("verify() takes the signature of any of several secrets, wherever it stands", () => {
  const secrets = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 5 });
  fc.assert(fc.property(secrets, fc.uint8Array(), ([other = "", ...given], body) => {
    for (const secret of given) assert.ok(verify(given, body, sign(secret, body)));
    assert.ok(!verify(given, body, sign(`${other}.`, body)) || given.includes(`${other}.`));
    assert.ok(!verify([], body, sign(other, body)));
  }));
});

Deno.test("verify() refuses a body or a signature with one bit flipped", () => {
  const bit = fc.record({ at: fc.nat(), mask: fc.integer({ min: 0, max: 7 }) });
  fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), bit, (body, { at, mask }) => {
    const signature = sign("key", body);
    assert.ok(!verify(["key"], flipped(body, at, mask), signature));
    const wrong = flipped(new TextEncoder().encode(signature), at, mask);
    assert.ok(!verify(["key"], body, String.fromCharCode(...wrong)));
  }));
});

Deno.test("verify() refuses any other string, and none, without throwing", () => {
  const strings = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ minLength: 44, maxLength: 44, unit: "binary" }),
    fc.base64String(),
    fc.constantFrom(undefined, "", ` ${SIGNATURE}`, SIGNATURE.slice(0, -1), `${SIGNATURE}, x`),
    // U+0139 is "9" to who keeps the low byte only.
    fc.constant(SIGNATURE.replace("9", "\u0139")),
  );
  fc.assert(fc.property(strings, (signature) => {
    assert.equal(verify(["key"], BODY, signature), false);
  }));
});

function flipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  return bytes.map((byte, index) => index === at % bytes.length ? byte ^ (1 << bit) : byte);
}
