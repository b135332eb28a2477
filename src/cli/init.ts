// `turn-channels init`: takes answers from flags or asks for them, and writes a configuration; with
// `--register` it registers the channel in Turn first.

import { randomBytes } from "node:crypto";
import { dirname, resolve } from "node:path";
import {
  type Config,
  type ConfigKey,
  configKeys,
  configTemplate,
  loadConfig,
} from "../config/mod.ts";
import { registerChannel } from "../turn/mod.ts";
import { validConfig } from "./config_command.ts";
import { CommandError, EXIT } from "./exit_codes.ts";
import { print, printError } from "./print.ts";
import { createPrivateFile } from "./private_file.ts";
import type { Asker } from "./terminal.ts";

type Answers = Readonly<Record<string, string>>;

interface InitOptions {
  readonly given: Answers;
  readonly output: string;
  readonly force: boolean;
  readonly register: boolean;
  readonly asker: Asker | undefined;
}

/** The flags whose values Turn decides when it registers a channel. */
const DECIDED_BY_TURN = ["turn-api-url", "turn-hmac-secret", "turn-hmac-secret-file"];

const NOTHING_WRITTEN = "Nothing was written.";

/** Writes the configuration; returns the exit code. */
export async function init(options: InitOptions): Promise<number> {
  const { given, output, force, register } = options;
  const surplus = register ? DECIDED_BY_TURN.filter((flag) => given[flag] !== undefined) : [];
  if (surplus.length > 0) {
    const flags = surplus.join(", --");
    throw new CommandError(EXIT.usage, `Turn decides this with --register; leave out: --${flags}`);
  }
  const answers = await answerQuestions(options);
  const { "turn-url": _, "channel-name": _n, endpoint: _e, ...flags } = answers;
  const wrong = ["turn-url", "endpoint"].find((flag) => !isUrl(answers[flag] ?? "http://unused"));
  if (wrong !== undefined) {
    throw new CommandError(EXIT.usage, `--${wrong} must be an ${URL_RULE}\n${NOTHING_WRITTEN}`);
  }
  if (!flags["turn-hmac-secret"] && !flags["turn-hmac-secret-file"]) {
    flags["turn-hmac-secret"] = randomBytes(32).toString("base64url");
  }
  // Until Turn has decided it.
  if (register) flags["turn-api-url"] = "https://pending.invalid";
  const config = validConfig(await loadConfig({ flags, env: {} }), NOTHING_WRITTEN);
  // Before anything is made in Turn, which can't be undone here.
  using file = await createPrivateFile(output, force);
  if (register) Object.assign(flags, await decidedByTurn(config, answers));
  const cache = cachePath(output);
  file.write(configTemplate(fileValues(flags, cache)));
  print(
    `Wrote ${output}, readable by you only. What has to be remembered will be in ${cache}. ` +
      `Next: turn-channels check --config ${output}\n`,
  );
  if (config.transport_type === "ussd") print(START_TEXT);
  if (!register) {
    print(
      "In Turn, set the channel's endpoint to this program's public address followed by /messages, " +
        "and its secret to turn_hmac_secret in that file.\n",
    );
  }
  return EXIT.ok;
}

const START_TEXT =
  'Turn will be told "hi" when somebody dials: make ussd.start_text in that file ' +
  "the word on which your flow starts.\n";

/** Registers the channel; returns what Turn decides. */
async function decidedByTurn(config: Config, answers: Answers): Promise<Answers> {
  const { "turn-url": turnUrl = "", "channel-name": name, endpoint = "" } = answers;
  const registered = await registerChannel({
    turnUrl: turnUrl.replace(/\/+$/, ""),
    authToken: config.auth_token,
    fromAddr: config.default_from_addr,
    name: name ?? config.connector_name,
    endpoint,
  });
  if (registered.kind !== "registered") {
    const { reason, fix } = registered;
    throw new CommandError(EXIT.unavailable, `${reason}\nTo fix it: ${fix}\n${NOTHING_WRITTEN}`);
  }
  const { apiUrl, hmacSecret } = registered;
  print(`Registered the channel in Turn: ${apiUrl}\n`);
  return { "turn-api-url": apiUrl, "turn-hmac-secret": hmacSecret };
}

/**
 * Where the cache goes: beside the file, or, as the service may not write to /etc, where its unit lets it.
 * Absolute, so that it is found from whatever directory a command is run in.
 */
export function cachePath(output: string): string {
  const folder = dirname(resolve(output));
  return `${/^\/etc\b/.test(folder) ? "/var/lib/turn-channels" : folder}/turn-channels.kv`;
}

/** What the file sets, by the keys' paths. */
function fileValues(flags: Answers, cache: string): Readonly<Record<string, string>> {
  const values = Object.entries(flags).map(([flag, value]) => [flag.replaceAll("-", "_"), value]);
  return {
    // Most want a cache that outlives the process.
    message_cache_class: "DenoKvMessageCache",
    "message_cache_config.path": cache,
    // Flows start on a word, and never on the code that was dialled.
    ...flags["transport-type"] === "ussd" && { "ussd.start_text": "hi" },
    ...Object.fromEntries(values),
  };
}

interface Question {
  readonly flag: string;
  /** The question, for a flag that is no configuration key. */
  readonly text?: string;
  /** What an empty answer means. */
  readonly standard?: string;
  readonly or?: string;
  /** Asked only with --register, or only without. */
  readonly register?: boolean;
}

const QUESTIONS: readonly Question[] = [
  { flag: "connector-name" },
  { flag: "default-from-addr" },
  { flag: "transport-type", standard: "sms" },
  { flag: "http-bind", standard: "127.0.0.1:8080" },
  { flag: "amqp-url", standard: "amqp://guest:guest@127.0.0.1:5672/%2F" },
  { flag: "auth-token", or: "auth-token-file" },
  { flag: "turn-api-url", register: false },
  { flag: "turn-hmac-secret", standard: "", or: "turn-hmac-secret-file", register: false },
  {
    flag: "turn-url",
    text: "Turn's address.",
    standard: "https://whatsapp.turn.io",
    register: true,
  },
  {
    flag: "endpoint",
    text: "This program's public address with /messages at its end, where Turn sends messages.",
    register: true,
  },
];

/** The flags that `init` takes for answers, with alternatives. */
export function questionFlags(): readonly { readonly flag: string; readonly text: string }[] {
  return [
    ...QUESTIONS.flatMap(({ flag, or }) => or === undefined ? [flag] : [flag, or])
      .map((flag) => ({ flag, text: questionText(flag) })),
    { flag: "channel-name", text: "The channel's name in Turn." },
  ];
}

/** What is asked about a flag: the question's own text, or what its configuration key means. */
function questionText(flag: string): string {
  const own = QUESTIONS.find((question) => question.flag === flag)?.text;
  return own ?? keyOf(flag)?.description ?? "";
}

/**
 * Finds an answer to every question, from flags or by asking.
 * @throws {CommandError} If a required one has none.
 */
export async function answerQuestions(
  { given, register, asker }: Pick<InitOptions, "given" | "register" | "asker">,
): Promise<Record<string, string>> {
  const open = QUESTIONS.filter(({ flag, or = flag, register: only = register }) =>
    only === register && given[flag] === undefined && given[or] === undefined
  );
  const answers: Record<string, string> = { ...given };
  const missing: string[] = [];
  for (const question of open) {
    const answer = asker === undefined ? question.standard : await ask(question, asker);
    if (answer === undefined) missing.push(question.flag);
    else if (answer !== "") answers[question.flag] = answer;
    // Without one answer there is no point in asking on.
    if (answer === undefined && asker !== undefined) break;
  }
  if (missing.length === 0) return answers;
  const lines = missing.map((flag) => `Missing: --${flag} (${questionText(flag)})`);
  throw new CommandError(EXIT.usage, `${lines.join("\n")}\n${NOTHING_WRITTEN}`);
}

async function ask({ flag, standard }: Question, asker: Asker): Promise<string | undefined> {
  const hint = standard === undefined ? "" : ` [${standard || "a new one"}]`;
  const text = `${questionText(flag)}\n${flag.replaceAll("-", "_")}${hint}:`;
  const secrecy = keyOf(flag)?.secrecy;
  while (true) {
    const said = await asker.ask(text, secrecy === "whole" || secrecy === "password");
    const answer = said === "" ? standard : said?.trim();
    if (said === undefined || (answer !== undefined && answer === standard)) return answer;
    const expected = await expectedInstead(flag, answer ?? "");
    if (expected === undefined) return answer;
    printError(`That is not valid. Expected: ${expected}\n`);
  }
}

const URL_RULE = "http:// or https:// URL without user and password";

function isUrl(text: string): boolean {
  return /^https?:\/\/[^\s@?#]+$/.test(text) && URL.canParse(text);
}

/** What is expected in place of an answer; undefined if it is valid. */
async function expectedInstead(flag: string, answer: string): Promise<string | undefined> {
  const key = keyOf(flag);
  if (key === undefined) return isUrl(answer) ? undefined : URL_RULE;
  const loaded = await loadConfig({ flags: { [flag]: answer }, env: {} });
  const faults = loaded.kind === "faulty" ? loaded.faults : [];
  return faults.find((fault) => fault.key === key.path)?.expected;
}

function keyOf(flag: string): ConfigKey | undefined {
  return configKeys.find((key) => key.flag === flag);
}
