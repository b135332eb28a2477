/**
 * README and docs/ say what the code does: links lead somewhere, what is named exists, examples load,
 * and nothing is said twice.
 *
 * @module
 */

import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import manifest from "../deno.json" with { type: "json" };
import { EXIT } from "../src/cli/exit_codes.ts";
import { loadConfig } from "../src/config/mod.ts";
import { METRICS } from "../src/telemetry/catalogue.ts";
import { configReference } from "./config/reference.ts";
import { Program } from "./support/program.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MOST_LINES = 200;
/** Shorter ones may be alike by chance. */
const LEAST_WORDS = 6;
/** What a configuration needs, for examples that show a part of one. */
const BASE = {
  connector_name: "c",
  default_from_addr: "8110",
  http_bind: "127.0.0.1:0",
  turn_api_url: "https://turn.example.org/v1/numbers/1",
  auth_token: "token",
  turn_hmac_secret: "secret",
};
/** Where the flags of a task that is no command of the program are explained. */
const TASK_FLAGS: Readonly<Record<string, string>> = {
  test: "tests/run.ts",
  chaos: "tests/chaos/main.ts",
  soak: "tests/soak/main.ts",
  bench: "tests/bench/options.ts",
};
const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
const TASKS = /^(?:npx -y deno@2\.9\.6|deno) task (\S+)(?: (.*))?$/;
const COMMAND = /^(?:sudo )?(?:\.\/)?turn-channels(?: (.*))?$/;

/** A fenced block: what it is said to be, and its text. */
interface Block {
  readonly kind: string;
  readonly text: string;
}

/** A document, and its parts. */
class Document {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** What is not in a fenced block. */
  readonly prose: string;
  readonly anchors: ReadonlySet<string>;

  constructor(path: string, text: string) {
    const fence = /^```(.*)\n([^]*?)^```$/gm;
    this.path = path;
    this.text = text;
    this.blocks = [...text.matchAll(fence)].map(([, kind = "", body = ""]) => ({
      kind,
      text: body,
    }));
    this.prose = text.replaceAll(fence, "");
    this.anchors = new Set(
      [...this.prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading)),
    );
  }

  /** What stands between backticks outside of blocks. */
  get code(): readonly string[] {
    return [...this.prose.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  }

  /** Lines that somebody may type: those of shell blocks, and code that begins as a command does. */
  get commands(): readonly string[] {
    const lines = this.blocks.filter(({ kind }) => kind === "sh")
      .flatMap(({ text }) => text.trim().split("\n"));
    return [...lines, ...this.code].map((line) => line.replace(/^[A-Z_]+=\S+ /, ""))
      .map((line) => line.replace(/ +[#>|&] ?.*$/, "").trim());
  }
}

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}

async function documents(): Promise<Document[]> {
  const names = ["README.md", "CHANGELOG.md"];
  for await (const { name } of Deno.readDir(join(ROOT, "docs"))) {
    if (name.endsWith(".md")) names.push(`docs/${name}`);
  }
  const read = async (name: string) =>
    new Document(name, await Deno.readTextFile(join(ROOT, name)));
  return await Promise.all(names.sort().map(read));
}

const all = await documents();
/** What is written for readers of today; CHANGELOG.md also names what is gone. */
const docs = all.filter(({ path }) => path !== "CHANGELOG.md");
const readme = documentAt("README.md");

function documentAt(path: string): Document {
  return all.find((document) => document.path === path) ?? assert.fail(`${path} is not there`);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(join(ROOT, path)).then(() => true, () => false);
}

Deno.test("README can be read in one go, and begins with the two commands", () => {
  const lines = readme.text.trimEnd().split("\n");
  assert.ok(lines.length <= MOST_LINES, `README.md has ${lines.length} lines`);
  const screen = lines.slice(0, 40).join("\n");
  for (const task of ["demo", "test"]) {
    assert.ok(screen.includes(`npx -y deno@2.9.6 task ${task}`), task);
    assert.ok(screen.includes(`\`deno task ${task}\``), task);
  }
});

Deno.test("links of README and docs lead to files and headings that exist", async () => {
  let count = 0;
  for (const { path, prose } of all) {
    for (const [link, target = ""] of prose.matchAll(/\]\(([^)]*)\)/g)) {
      count++;
      if (/^https:\/\/[\w.-]+\//.test(target)) continue;
      const [, file = "", anchor] = /^([^#]*)(?:#(.*))?$/.exec(target) ?? [];
      const to = file === "" ? path : normalize(join(dirname(path), file));
      assert.ok(await exists(to), `${path}: ${link}: there is no ${to}`);
      if (anchor === undefined) continue;
      assert.ok(documentAt(to).anchors.has(anchor), `${path}: ${link}: ${to} has no such heading`);
    }
  }
  assert.ok(count > 30, `the expression that finds links finds ${count}`);
});

Deno.test("README leads to every document", () => {
  for (const { path } of all) {
    assert.ok(path === "README.md" || readme.prose.includes(`](${path})`), path);
  }
});

Deno.test("configurations in README and docs load without a warning", async () => {
  let count = 0;
  for (const { path, blocks } of docs) {
    const connectors = new Set<unknown>();
    for (const { kind, text } of blocks.filter(({ kind }) => /^(json|ya?ml)/.test(kind))) {
      const where = `${path}: ${text}`;
      const value = parse(text);
      count++;
      switch (kind) {
        case "yaml config":
        case "yaml fragment": {
          const tree = kind === "yaml config" ? value : { ...BASE, ...value };
          const config = await load(JSON.stringify(tree), where);
          for (const { connector_name } of config.channels) connectors.add(connector_name);
          break;
        }
        case "yaml vumi2":
          // The same name on both sides is what a reader is to learn from it.
          assert.ok(connectors.has(value.transport_name), `no such connector_name in ${where}`);
          assert.match(text, /^# VUMI_CONFIG_FILE=\w+\.yaml vumi2 worker vumi2\.transports\.\w+\n/);
          break;
        case "json health":
          assert.deepEqual(Object.keys(value.components), ["amqp", "turn", "cache"]);
          break;
        default:
          assert.fail(`${path} has a block "${kind}", of which nobody knows how to test it`);
      }
    }
  }
  assert.ok(count >= 5, "the expression that finds examples finds few");
});

async function load(text: string, where: string) {
  const fileText = (name: string) => name.endsWith(".pem") ? CERTIFICATE : "secret";
  const readFile = (name: string) =>
    Promise.resolve(new TextEncoder().encode(name === "config.yaml" ? text : fileText(name)));
  const loaded = await loadConfig({ flags: { config: "config.yaml" }, env: {}, readFile });
  assert.deepEqual(loaded.kind === "ok" ? [] : loaded.faults, [], where);
  assert.deepEqual(loaded.warnings, [], where);
  return loaded.kind === "ok" ? loaded.config : assert.fail();
}

Deno.test("commands, tasks and flags that README and docs print exist", async () => {
  const help = new Map<string, Promise<string | undefined>>();
  const lines = docs.flatMap(({ path, commands }) => commands.map((line) => ({ path, line })))
    .filter(({ line }) => TASKS.test(line) || COMMAND.test(line));
  assert.ok(lines.length > 50, "the expression that finds commands finds few");
  await Promise.all(lines.map(async ({ path, line }) => {
    const text = await explanation(line, help);
    assert.ok(text !== undefined, `${path}: ${line}: no such command or task`);
    for (const [flag] of line.matchAll(/(?<= )--[a-z-]+/g)) {
      assert.match(text, new RegExp(`${flag}(?![\\w-])`), `${path}: ${line}: no flag ${flag}`);
    }
  }));
});

/** What explains the flags of a command line; undefined if there is no such command. */
async function explanation(
  line: string,
  help: Map<string, Promise<string | undefined>>,
): Promise<string | undefined> {
  const [, task, rest = ""] = TASKS.exec(line) ?? [];
  const [, words = ""] = COMMAND.exec(line) ?? [];
  if (task === undefined) return await helpOf(words, help);
  if (task === "start") return await helpOf(rest, help);
  if (task === "demo") return await helpOf(`demo ${rest}`, help);
  const file = TASK_FLAGS[task];
  if (file !== undefined) return await Deno.readTextFile(join(ROOT, file));
  return task in manifest.tasks ? "" : undefined;
}

/** What the program says of a command, if there is one. */
function helpOf(
  words: string,
  known: Map<string, Promise<string | undefined>>,
): Promise<string | undefined> {
  const [, name = ""] = /^((?:parked [a-z-]+|[a-z][a-z-]*)?)(?= |$)/.exec(words) ?? [];
  const help = known.get(name) ?? askHelp(name);
  known.set(name, help);
  return help;
}

async function askHelp(name: string): Promise<string | undefined> {
  const args = name === "" ? [] : name.split(" ");
  const { stdout } = await Program.fromSource().output([...args, "--help"]);
  if (!`${stdout.split("\n")[0]} `.startsWith(["Usage: turn-channels", ...args, ""].join(" "))) {
    return undefined;
  }
  return name === "" ? stdout + await askHelp("run") : stdout;
}

Deno.test("files, metrics and variables that README and docs name exist", async () => {
  const rooms = [];
  for await (const { name } of Deno.readDir(join(ROOT, "src"))) rooms.push(name);
  const inRoom = new RegExp(`^(?:${rooms.join("|")})/[\\w./]*\\w\\.ts$`);
  const metrics = new Set(Object.values(METRICS).map(({ name }) => name));
  const sources = await textOf("tests");
  let count = 0;
  for (const { path, code, blocks } of docs) {
    const scripts = blocks.flatMap(({ text }) => text.match(/\btests\/[\w./]+\.ts\b/g) ?? []);
    for (const word of [...code, ...scripts]) {
      const file = inRoom.test(word) ? `src/${word}` : word;
      const isFile = /^(?:src|tests|docs|\.ci)\/[\w./-]+$/.test(file);
      if (isFile) assert.ok(await exists(file), `${path}: there is no ${word}`);
      const [name] = /^turn_channels_\w+/.exec(word) ?? [];
      if (name !== undefined) assert.ok(metrics.has(name), `${path}: there is no metric ${name}`);
      const isVariable = /^(?:TEST|CHAOS|DENO_COMPILE)[A-Z_]*$/.test(word);
      if (isVariable) assert.ok(sources.includes(`"${word}"`), `${path}: nobody reads ${word}`);
      if (isFile || name !== undefined || isVariable) count++;
    }
  }
  assert.ok(count > 40, "the expressions that find names find few");
});

async function textOf(folder: string): Promise<string> {
  let text = "";
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
    if (isDirectory) text += await textOf(`${folder}/${name}`);
    else if (name.endsWith(".ts")) text += await Deno.readTextFile(join(ROOT, folder, name));
  }
  return text;
}

Deno.test("no sentence stands twice in README and docs", () => {
  const seen = new Map<string, string>();
  const isList = (part: string) => part.split(",").every((word) => /^\s*\S+\s*$/.test(word));
  for (const { path, prose } of docs) {
    // Neither what is generated nor what the chaos tests print.
    const text = prose.replace(/<!-- reference -->[^]*<!-- \/reference -->/, "")
      .replace(/^\| scenario .*\n(\|.*\n)+/m, "")
      .replaceAll(/^#.*$/gm, "\n\n").replaceAll(/\]\([^)]*\)/g, "]");
    for (const part of text.split(/\n\n+|^\s*(?:[-*]|\d+\.) |\||(?<=[.:;?!])\s+/m)) {
      const sentence = part.replaceAll(/[^\p{L}\p{N}]+/gu, " ").trim().toLowerCase();
      const words = sentence.match(/\S*\p{L}\S*/gu) ?? [];
      if (words.length < LEAST_WORDS || isList(part)) continue;
      assert.equal(seen.get(sentence), undefined, `${path}: said before: ${part}`);
      seen.set(sentence, path);
    }
  }
  assert.ok(seen.size > 200, "the expression that finds sentences finds few");
});

Deno.test("docs have the configuration's reference, all exit codes, tasks and packages", () => {
  const { text } = documentAt("docs/configuration.md");
  const [, reference] = /<!-- reference -->\n([^]*)<!-- \/reference -->/.exec(text) ?? [];
  const hint = "deno run -A tests/write_reference.ts brings it up to date";
  assert.equal(reference?.trim(), configReference().trim(), hint);
  for (const code of Object.values(EXIT)) {
    assert.match(documentAt("docs/operation.md").text, new RegExp(`^\\| ${code} +\\|`, "m"));
  }
  const { code } = documentAt("docs/developing.md");
  for (const task of Object.keys(manifest.tasks)) {
    assert.ok(code.includes(`deno task ${task}`), task);
  }
  for (const name of Object.keys(manifest.imports)) {
    assert.ok(code.includes(name) || code.includes(`npm ${name}`), `docs lack the package ${name}`);
  }
});
