import assert from "node:assert/strict";
import { numbersAsWritten, parseFields, parseJson, parsePythonJson } from "../../src/async/mod.ts";

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

Deno.test("parsePythonJson() reads what only Python writes, as texts, and leaves texts alone", () => {
  for (
    const [json, value] of [
      ['{"a":[1,null]}', { a: [1, null] }],
      ["NaN", "NaN"],
      ['{"a":NaN,"b":[Infinity,-Infinity]}', { a: "NaN", b: ["Infinity", "-Infinity"] }],
      ['{"NaN":"NaN, \\"Infinity\\" \\\\","b":NaN}', { NaN: 'NaN, "Infinity" \\', b: "NaN" }],
    ] as const
  ) {
    assert.deepEqual(parsePythonJson(bytes(json)), value, json);
  }
  for (const none of ["-NaN", "NaNa", "[NaN", '"NaN', "nan", "[1 NaN]", '{"a":NaN,"b":"\\']) {
    assert.equal(parsePythonJson(bytes(none)), undefined, none);
  }
  assert.equal(parsePythonJson(new Uint8Array([0x22, 0xff, 0x22])), undefined);
  assert.deepEqual(parseFields(bytes('{"a":NaN}')), { a: "NaN" });
});

Deno.test("parsePythonJson() reads large texts in no more than a moment", () => {
  for (const part of ["x", '\\"', "NaN,", '"NaN",', '"']) {
    const text = part.repeat(1024 * 1024 / part.length);
    for (const json of [`[${text}NaN]`, `["${text}",NaN]`, `["${text}`]) {
      parsePythonJson(bytes(json));
    }
  }
});

Deno.test("numbersAsWritten() has the numbers of the outermost object, with all of their digits", () => {
  const json = '{"a":12345678901234567890,"b":{"c":2.0},"d":1.0,"e":"5","f":[7],"a2":-0,"g":NaN}';
  const numbers = { a: "12345678901234567890", d: "1.0", a2: "-0" };
  assert.deepEqual(numbersAsWritten(bytes(json)), numbers);
  for (const none of ["{}", "7", "{", "NaN"]) {
    assert.deepEqual(numbersAsWritten(bytes(none)), {});
  }
});
