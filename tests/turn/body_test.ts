import assert from "node:assert/strict";
import { bodyLength } from "../../src/turn/body.ts";

const LENGTHS: readonly (readonly [string, Record<string, string>, number | undefined])[] = [
  ["a length", { "Content-Length": "12" }, 12],
  ["a length twice", { "Content-Length": "12, 12" }, undefined],
  ["nothing", {}, undefined],
  ["a length, but the body comes in chunks", {
    "Content-Length": "3",
    "Transfer-Encoding": "chunked",
  }, undefined],
  ["a length, but the body is to be unpacked", {
    "Content-Length": "3",
    "Content-Encoding": "gzip",
  }, undefined],
];

for (const [what, headers, length] of LENGTHS) {
  Deno.test(`bodyLength() is ${length} when the headers tell ${what}`, () => {
    assert.equal(bodyLength(new Headers(headers)), length);
  });
}
