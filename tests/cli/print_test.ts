import assert from "node:assert/strict";
import { HeldOutput } from "../../src/cli/print.ts";

Deno.test("HeldOutput prints in order when it is disposed, and before only if it holds too much", () => {
  const printed: string[] = [];
  {
    using held = new HeldOutput((text) => void printed.push(text), 5);
    held.print("abc");
    held.print("de");
    assert.deepEqual(printed, []);
    held.print("f");
    assert.deepEqual(printed, ["abc", "de", "f"]);
    held.print("g");
    assert.equal(printed.length, 3);
  }
  assert.deepEqual(printed, ["abc", "de", "f", "g"]);
});
