import assert from "node:assert/strict";
import { parseFields, parseJson } from "../../src/async/mod.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("parseJson() reads texts and UTF-8 bytes, and is undefined for what is no JSON", () => {
  assert.deepEqual(parseJson('{"a":[1,null]}'), { a: [1, null] });
  assert.deepEqual(parseJson(bytes('"é"')), "é");
  assert.equal(parseJson("null"), null);
  for (const none of ["", "{", bytes("x"), new Uint8Array([0x22, 0xff, 0x22])]) {
    assert.equal(parseJson(none), undefined);
  }
});

Deno.test("parseFields() has no fields of what is no object", () => {
  assert.deepEqual(parseFields(bytes('{"a":1}')), { a: 1 });
  const broken = new Uint8Array([...bytes('{"a":"'), 0xff, ...bytes('"}')]);
  assert.deepEqual([parseFields(broken), parseJson(broken)], [{ a: "\ufffd" }, undefined]);
  for (const none of ["null", "7", "{"]) assert.deepEqual(parseFields(bytes(none)), {});
});
