import assert from "node:assert/strict";
import { fitSentences, HeldOutput } from "../../src/cli/print.ts";
import { Program } from "../support/program.ts";

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

/** Runs a command with its standard output joined to something by a shell; answers as it ended. */
async function printedTo(args: readonly string[], redirection: string) {
  const command = Program.fromSource().commandLine(args);
  const script = `${command} ${redirection}; exit \${PIPESTATUS[0]}`;
  const { code, stderr } = await new Deno.Command("bash", { args: ["-c", script] }).output();
  return { code, told: new TextDecoder().decode(stderr) };
}

for (const args of [["dashboard"], ["--version"], ["run", "--help"]]) {
  const command = args.join(" ");

  Deno.test(`${command} ends quietly when its reader has read enough`, async () => {
    assert.deepEqual(await printedTo(args, "| true"), { code: 0, told: "" });
  });

  Deno.test(`${command} says plainly that its output is full, exit code 69`, async () => {
    const { code, told } = await printedTo(args, "> /dev/full");
    assert.equal(code, 69);
    assert.match(told, /^Cannot write to standard output: No space left on device.*\n$/);
  });
}

Deno.test("fitSentences() wraps sentences, and leaves what is laid out and what can be copied", () => {
  const sentence = `error: ${"many words ".repeat(8)}end`;
  const command = `turn-channels check --config '/a${" long".repeat(20)} path/config.yaml'`;
  const laidOut = `  ${"x ".repeat(50)}`;
  const text = `${sentence}\n${laidOut}\nRun ${command}\n`;
  assert.equal(
    fitSentences(text),
    `error: ${"many words ".repeat(6)}many\n  words many words end\n${laidOut}\nRun ${command}\n`,
  );
});
