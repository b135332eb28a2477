/**
 * Completions, asked of the shells themselves; where one can't be had, that is said, and it is not run.
 *
 * @module
 */

import assert from "node:assert/strict";
import { missingCommand } from "../support/debian.ts";
import { Program } from "../support/program.ts";

/** What is typed, the last word unfinished; what must be offered, and what must not. */
const CASES: readonly {
  readonly typed: readonly string[];
  readonly offered: readonly string[];
  readonly not?: readonly string[];
}[] = [
  { typed: [""], offered: ["run", "check", "parked", "completions"], not: ["list", "DEBUG"] },
  { typed: ["ch"], offered: ["check"], not: ["run"] },
  { typed: ["--log-l"], offered: ["--log-level"], not: ["--once"] },
  { typed: ["run", "--amqp-h"], offered: ["--amqp-hostname"] },
  { typed: ["run", "--log-level", ""], offered: ["DEBUG", "CRITICAL"], not: ["run", "--config"] },
  { typed: ["--status-format", "n"], offered: ["nested"], not: ["flat"] },
  { typed: ["parked", ""], offered: ["list", "discard"], not: ["run"] },
  { typed: ["parked", "list", "--que"], offered: ["--queue"], not: ["--yes"] },
  { typed: ["parked", "list", "--queue", ""], offered: ["inbound", "event"], not: ["list"] },
  { typed: ["demo", "--on"], offered: ["--once"] },
  { typed: ["completions", ""], offered: ["bash", "zsh", "fish"], not: ["run"] },
  { typed: ["run", "--connector-name", ""], offered: [], not: ["run", "--config", "a-file"] },
  { typed: ["run", "--config", ""], offered: ["a-file"], not: ["run", "--log-level"] },
];

/** How each shell is asked; the script is the file "$1", the words come after it. */
const ASK: Readonly<Record<string, string>> = {
  bash: `source "$1"; shift; COMP_WORDS=(turn-channels "$@"); COMP_CWORD=$#
    _turn_channels; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // zsh completes only at a terminal: what it would be told is shown instead.
  zsh: `compdef() { }; compadd() { print -l -- "\${@:2}" }; _files() { print -l -- * }
    _describe() { local entry; for entry in "\${(@P)@[-1]}"; do print -- "\${entry%%:*}"; done }
    source "$1"; shift; words=(turn-channels "$@"); CURRENT=$#words; _turn_channels`,
  fish: `source $argv[1]; complete -C "turn-channels "(string join " " -- $argv[2..-1]) \\
    | string replace -r "\\t.*" ""`,
};

for (const [shell, ask] of Object.entries(ASK)) {
  const missing = await missingCommand(shell, shell);
  Deno.test({
    name: `${shell} completes commands, flags and their values` +
      (missing === undefined ? "" : ` (not run: ${missing})`),
    ignore: missing !== undefined,
    fn: async () => {
      const script = await Program.fromSource().output(["completions", shell]);
      assert.deepEqual([script.code, script.stderr], [0, ""]);
      const folder = await Deno.makeTempDir();
      await Deno.writeTextFile(`${folder}/script`, script.stdout);
      await Deno.mkdir(`${folder}/empty`);
      await Deno.writeTextFile(`${folder}/empty/a-file`, "");
      for (const { typed, offered, not = [] } of CASES) {
        const name = shell === "fish" ? [] : ["ask"];
        const { stdout, stderr } = await new Deno.Command(shell, {
          args: ["-c", ask, ...name, `${folder}/script`, ...typed],
          cwd: `${folder}/empty`,
          env: { HOME: folder },
        }).output();
        assert.equal(new TextDecoder().decode(stderr), "", typed.join(" "));
        const words = new TextDecoder().decode(stdout).split("\n")
          .filter((word) => word.startsWith(typed.at(-1) ?? ""));
        for (const word of offered) assert.ok(words.includes(word), `${typed}: ${words}`);
        for (const word of not) assert.ok(!words.includes(word), `${typed}: ${words}`);
      }
      await Deno.remove(folder, { recursive: true });
    },
  });
}

Deno.test("completions for a shell that is not known are a usage error", async () => {
  const { code, stdout } = await Program.fromSource().output(["completions", "tcsh"]);
  assert.deepEqual([code, stdout], [64, ""]);
});
