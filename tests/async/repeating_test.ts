import assert from "node:assert/strict";
import { Repeating } from "../../src/async/mod.ts";
import { until } from "../support/until.ts";

Deno.test("Repeating does its work again and again, never twice at once, and waits for it at its end", async () => {
  let begun = 0, ended = 0;
  const repeating = new Repeating(1, async () => {
    assert.equal(begun++, ended);
    await new Promise((resolve) => setTimeout(resolve, 5));
    ended++;
  });
  assert.equal(begun, 0, "not at once");
  await until("three times", () => begun >= 3);
  await repeating[Symbol.asyncDispose]();
  assert.equal(begun, ended);
  const before = begun;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(begun, before);
});
