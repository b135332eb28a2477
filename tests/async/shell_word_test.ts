import assert from "node:assert/strict";
import { shellWord } from "../../src/async/mod.ts";

Deno.test("shellWord() is one word to a shell, and plain where it can be", async () => {
  const texts = ["/etc/a-b_c.d+e@f", "", "a b", "it's", "$(x) `y`; z", "*", "~", "a\nb", "é", "\\"];
  const command = `printf '%s\\0' ${texts.map(shellWord).join(" ")}`;
  const { stdout } = await new Deno.Command("sh", { args: ["-c", command] }).output();
  assert.deepEqual(new TextDecoder().decode(stdout).split("\0"), [...texts, ""]);
  assert.equal(shellWord(texts[0] ?? ""), texts[0]);
});
