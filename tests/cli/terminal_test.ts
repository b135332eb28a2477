import assert from "node:assert/strict";
import { Terminal } from "../../src/cli/terminal.ts";

/** A terminal where these were typed, each in one go, and what was set and written. */
function typed(...chunks: readonly string[]) {
  const left = [...chunks];
  const log: string[] = [];
  const input = {
    read(buffer: Uint8Array): Promise<number | null> {
      const chunk = left.shift();
      if (chunk === undefined) return Promise.resolve(null);
      return Promise.resolve(new TextEncoder().encodeInto(chunk, buffer).written);
    },
    setRaw: (raw: boolean) => void log.push(raw ? "raw" : "cooked"),
  };
  return { terminal: new Terminal(input, (text) => log.push(text)), log };
}

Deno.test("Terminal.ask() answers line by line, also what was pasted in one go", async () => {
  const { terminal } = typed("one\ntw", "o\r\nthree\n");
  const answers = [];
  for (let n = 0; n < 4; n++) answers.push(await terminal.ask("?", false));
  assert.deepEqual(answers, ["one", "two", "three", undefined]);
});

Deno.test("Terminal.ask() does not show a secret, and lets it be corrected", async () => {
  const { terminal, log } = typed("h", "uj", "\x7fsh", "\r");
  assert.equal(await terminal.ask("Secret?", true), "hush");
  assert.deepEqual(log, ["raw", "Secret? ", "cooked", "\n"]);
});

for (const key of ["\x03", "\x04"]) {
  Deno.test(`Terminal.ask() ends at ${JSON.stringify(key)} where keys come one by one`, async () => {
    const { terminal, log } = typed(`half${key}`);
    assert.equal(await terminal.ask("Secret?", true), undefined);
    assert.ok(log.includes("cooked"));
  });
}

Deno.test("Terminal.ask() does not take an answer without end", async () => {
  const { terminal } = typed(...Array.from({ length: 10 }, () => "x".repeat(1000)));
  assert.equal(await terminal.ask("?", false), undefined);
});
