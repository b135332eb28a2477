/**
 * `turn-channels init`: asks for what can't be guessed, or takes it from flags, and writes a
 * configuration; with `--register` it makes the channel in Turn first.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { type Config, configTemplate, formatFaults, loadConfig } from "../config/mod.ts";
import { registerChannel } from "../turn/mod.ts";
import { EXIT } from "./exit_codes.ts";
import { answerQuestions, type Answers, registrationFault } from "./init_questions.ts";
import { createPrivateFile } from "./private_file.ts";
import { print, printError } from "./print.ts";
import type { Asker } from "./terminal.ts";

interface InitOptions {
  /** Answers that were given as flags. */
  readonly given: Answers;
  readonly output: string;
  /** Whether an existing file is replaced. */
  readonly force: boolean;
  /** Whether the channel is registered in Turn. */
  readonly register: boolean;
  /** Undefined without a terminal. */
  readonly asker: Asker | undefined;
}

/** What Turn answers when it makes a channel. */
const SETTLED_BY_TURN = ["turn-api-url", "turn-hmac-secret", "turn-hmac-secret-file"];

/** Sets up. Answers the exit code. */
export async function init(options: InitOptions): Promise<number> {
  const { given, output, force, register } = options;
  const settled = register ? SETTLED_BY_TURN.filter((flag) => given[flag] !== undefined) : [];
  if (settled.length > 0) {
    printError(`With --register Turn says this itself: --${settled.join(", --")}\n`);
    return EXIT.usage;
  }
  const answered = await answerQuestions(options);
  if (answered.kind === "missing") {
    printError(missingText(answered.flags));
    return EXIT.usage;
  }
  const { answers } = answered;
  const fault = registrationFault(answers);
  if (fault !== undefined) {
    printError(`${fault}\nNothing was written.\n`);
    return EXIT.usage;
  }
  const config = await valid(answers, register);
  if (config === undefined) return EXIT.config;
  // Before anything is made in Turn, which can't be undone here.
  const file = await createPrivateFile(output, force);
  if (typeof file === "string") {
    printError(`${file}\n`);
    return EXIT.unavailable;
  }
  using opened = file;
  const values = register ? await fromTurn(answers, config) : answers;
  if (values === undefined) return EXIT.unavailable;
  opened.write(configTemplate(fileValues(withSecret(values))));
  print(`Wrote ${output}, readable for you only. What comes next:
  turn-channels check --config ${output}
`);
  if (!register) print(`In Turn, the channel's endpoint is ${ENDPOINT_HINT}\n`);
  return EXIT.ok;
}

const ENDPOINT_HINT = "this program's public address followed by /messages, and its secret is " +
  "turn_hmac_secret in that file.";

function missingText(flags: readonly string[]): string {
  const list = flags.map((flag) => `  --${flag} <value>\n`).join("");
  return `Nobody is here to be asked, and this is needed:\n${list}Nothing was written.\n`;
}

/** The configuration that will come of it; what Turn answers is not there yet. */
async function valid(answers: Answers, register: boolean): Promise<Config | undefined> {
  const flags = configFlags(withSecret(answers));
  if (register) flags["turn-api-url"] = "https://pending.invalid";
  const loaded = await loadConfig({ flags, env: {} });
  if (loaded.kind === "ok") return loaded.config;
  printError(`${formatFaults(loaded.faults)}Nothing was written.\n`);
  return undefined;
}

/** With a new secret to sign with, unless there is one. */
function withSecret(answers: Answers): Answers {
  if (answers["turn-hmac-secret"] || answers["turn-hmac-secret-file"]) return answers;
  return { ...answers, "turn-hmac-secret": randomBytes(32).toString("base64url") };
}

/** Without what is only asked to register. */
function configFlags(answers: Answers): Record<string, string> {
  const { "turn-url": _, "channel-name": __, endpoint: ___, ...flags } = answers;
  return flags;
}

async function fromTurn(
  answers: Answers,
  config: Config,
): Promise<Answers | undefined> {
  const registered = await registerChannel({
    turnUrl: (answers["turn-url"] ?? "").replace(/\/+$/, ""),
    authToken: config.auth_token,
    fromAddr: config.default_from_addr,
    name: answers["channel-name"] ?? config.connector_name,
    endpoint: answers.endpoint ?? "",
  });
  if (registered.kind === "registered") {
    print(`Turn has made the channel ${registered.apiUrl}\n`);
    const { apiUrl, hmacSecret } = registered;
    return { ...answers, "turn-api-url": apiUrl, "turn-hmac-secret": hmacSecret };
  }
  printError(`${registered.reason}\nTo mend it: ${registered.fix}\nNothing was written.\n`);
  return undefined;
}

/** What is set in the file, by the keys' paths. */
function fileValues(answers: Answers): Readonly<Record<string, string>> {
  const answered = Object.entries(configFlags(answers))
    .map(([flag, value]) => [flag.replaceAll("-", "_"), value]);
  return {
    // One that outlives the process is what most want. The path is below the working directory.
    message_cache_class: "DenoKvMessageCache",
    "message_cache_config.path": "./turn-channels.kv",
    ...Object.fromEntries(answered),
  };
}
