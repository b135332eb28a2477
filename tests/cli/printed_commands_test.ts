/**
 * Commands that we print, in help, errors, alerts and documents: each is one that the program takes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { withConfig } from "../../src/cli/config_command.ts";
import { makeProgram } from "../../src/cli/program.ts";
import { Signals } from "../../src/service/signals.ts";
import { alertRules } from "../../src/telemetry/mod.ts";
import { Program } from "../support/program.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The program's commands, which do nothing. */
function parser(): Command {
  const shell = { env: {}, exit() {}, signals: new Signals() };
  const program = makeProgram(shell, () => {});
  const disarm = (command: Command): void => {
    command.action(() => {});
    command.commands.forEach(disarm);
  };
  program.commands.forEach(disarm);
  return program;
}

const PROGRAM = parser();

/** A configuration with a RabbitMQ that is not there. */
const UNREACHABLE = {
  connector_name: "c",
  http_bind: "127.0.0.1:0",
  turn_api_url: "http://127.0.0.1:9",
  auth_token: "abcdefgh123",
  turn_hmac_secret: "hmac-secret-of-c",
  default_from_addr: "8110",
  amqp_url: "amqp://guest:guest@127.0.0.1:9",
};

/** What follows the program's name where it is a sentence's subject, or names a connection. */
const PROSE =
  /^(authors|carries|will|is|and|with|running|publish|consume|asks|work|under|that|the|did|needs|in|can|sits|does)\b/;

/** The words of each command in a text; what ends it in prose is left out. */
function commandsIn(text: string): string[][] {
  const found: string[][] = [];
  // Parts of templates and lines that go on are a word or a space.
  const plain = text.replaceAll("\\`", "`").replaceAll(/\$\{[^}]*\}/g, "X").replaceAll(
    /[`"'] \+\s*[`"']?/g,
    "",
  );
  for (const [, rest = ""] of plain.matchAll(/(?<!-u |Usage: )\bturn-channels ([a-z-][^\n`]*)/g)) {
    const words = rest.split(/[\s|]+/);
    const command = commandOf(words);
    if (command === undefined) {
      if (!PROSE.test(rest)) found.push(words.slice(0, 1));
      continue;
    }
    found.push(command);
  }
  return found;
}

/** The command's names, its flags with values, and an argument if it takes one. */
function commandOf(words: readonly string[]): string[] | undefined {
  const left = words.map((word) => word.replace(/[.,;:)?"']+$/, ""));
  if (left[0]?.startsWith("--")) {
    return left[0] === "--help" || left[0] === "--version" ? [] : undefined;
  }
  let command: Command = PROGRAM;
  const line: string[] = [];
  while (command.commands.length > 0) {
    const next = command.commands.find((each) => each.name() === left[0]);
    if (next === undefined) return line.length === 0 ? undefined : [...line, left[0] ?? ""];
    line.push(left.shift() ?? "");
    command = next;
  }
  if (command.registeredArguments.length > 0) line.push("an-id");
  while (left.length > 0) {
    const word = left.shift() ?? "";
    if (!word.startsWith("--")) {
      if (command.name() === "find" && line.at(-1) === "an-id") continue;
      break;
    }
    const [flag = "", value] = word.split("=");
    if (flag === "--help") continue;
    line.push(flag);
    const option = command.options.find(({ long }) => long === flag);
    if (option === undefined) break; // The parser will say so.
    if (!option.required) continue;
    const given = value ?? left.shift() ?? "";
    // A value that is filled in is as good as any that will do.
    line.push(option.argChoices?.[0] ?? (/^[\w./@:-]+$/.test(given) ? given : "8080"));
  }
  return line;
}

async function textsBelow(folder: string, endings: RegExp): Promise<[string, string][]> {
  const texts: [string, string][] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${ROOT}${folder}`)) {
    const path = `${folder}/${name}`;
    if (isDirectory) texts.push(...await textsBelow(path, endings));
    else if (endings.test(name)) texts.push([path, await Deno.readTextFile(`${ROOT}${path}`)]);
  }
  return texts;
}

/** The help of a command and of all below it. */
function helpOf(command: Command): [string, string][] {
  let text = "";
  command.configureOutput({ ...command.configureOutput(), writeOut: (part) => text += part });
  command.outputHelp();
  return [[`help of ${command.name()}`, text], ...command.commands.flatMap(helpOf)];
}

Deno.test("every command that we print is one that the program takes", async () => {
  const texts = [
    ...await textsBelow("src", /\.[tj]s$/),
    ...await textsBelow("docs", /\.md$/),
    ["README.md", await Deno.readTextFile(`${ROOT}README.md`)] as const,
    ["alerts", alertRules({ runbook: "docs/runbook.md" })] as const,
    ...helpOf(PROGRAM),
  ];
  let count = 0;
  for (const [where, text] of texts) {
    for (const words of commandsIn(text)) {
      count++;
      if (words.length === 0) continue;
      await parser().parseAsync(words, { from: "user" }).catch((error: Error) => {
        assert.fail(`${where}: turn-channels ${words.join(" ")}: ${error.message}`);
      });
    }
  }
  assert.ok(count > 70, `the expression that finds commands finds only ${count}`);
});

Deno.test("help fits 80 columns; only that of run lists the configuration's keys", () => {
  for (const [where, text] of helpOf(PROGRAM)) {
    for (const line of text.split("\n")) assert.ok(line.length <= 80, `${where}: ${line}`);
    assert.equal(
      text.includes("--turn-api-url") && text.includes("--log-level"),
      where === "help of run",
      where,
    );
  }
});

Deno.test("commands that can't reach RabbitMQ say what to run, with the file that they were given", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(path, JSON.stringify(UNREACHABLE));
  const commands = ["find +27820001111", "parked list", "parked replay --id x"];
  await Promise.all(commands.map(async (command) => {
    const { code, stdout, stderr } = await Program.fromSource()
      .output([...command.split(" "), "--config", path]);
    assert.notEqual(code, 0, command);
    const printed = `${stdout}${stderr}`.replace(/\s+/g, " ").match(/turn-channels check[^.,;]*/g);
    assert.ok(printed !== null, `${command}: ${stdout}${stderr}`);
    for (const each of printed) assert.match(each, /^turn-channels check --config/, command);
  }));
  await Deno.remove(path);
});

Deno.test("withConfig() names the file in what is to be run, if --config has named it", () => {
  const text =
    "Run turn-channels check, or turn-channels parked replay --id X; turn-channels demo.";
  const file = { path: "/a b/c.yaml", source: "flag --config" };
  assert.equal(
    withConfig(text, file),
    "Run turn-channels check --config '/a b/c.yaml', or turn-channels parked replay --config " +
      "'/a b/c.yaml' --id X; turn-channels demo.",
  );
  assert.equal(withConfig(text, { ...file, source: "a usual place" }), text);
  assert.equal(withConfig(text, undefined), text);
});
