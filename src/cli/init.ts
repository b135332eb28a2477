// `turn-channels init`: takes answers from flags or asks for them, and writes a configuration, or adds a
// channel to one; with `--register` it registers the channel in Turn first.

import { randomBytes } from "node:crypto";
import { dirname, resolve } from "node:path";
import {
  addChannel,
  type ChannelConfig,
  type Config,
  configJson,
  configTemplate,
  loadConfig,
} from "../config/mod.ts";
import { registerChannel } from "../turn/mod.ts";
import { validConfig } from "./config_command.ts";
import { CommandError, EXIT } from "./exit_codes.ts";
import { nextSteps } from "./init_next.ts";
import {
  answerQuestions,
  type Answers,
  isUrl,
  NOTHING_WRITTEN,
  URL_RULE,
} from "./init_questions.ts";
import { print } from "./print.ts";
import { createPrivateFile } from "./private_file.ts";
import type { Asker } from "./terminal.ts";

interface InitOptions {
  readonly given: Answers;
  readonly output: string;
  readonly force: boolean;
  readonly register: boolean;
  readonly addChannel: boolean;
  readonly asker: Asker | undefined;
}

/** The flags whose values Turn decides when it registers a channel. */
const DECIDED_BY_TURN = ["turn-api-url", "turn-hmac-secret", "turn-hmac-secret-file"];

/** The flags that are for all channels, and so not for one that is added. */
const SHARED = ["http-bind", "amqp-url"];

/** Writes the configuration; returns the exit code. */
export async function init(options: InitOptions): Promise<number> {
  const { given, output, register } = options;
  const surplus = [
    ...register ? DECIDED_BY_TURN.map((flag) => [flag, "Turn decides this with --register"]) : [],
    ...options.addChannel ? SHARED.map((flag) => [flag, "This is for all channels"]) : [],
  ].filter(([flag = ""]) => given[flag] !== undefined);
  for (const [flag, why] of surplus) {
    throw new CommandError(EXIT.usage, `${why}; leave out: --${flag}`);
  }
  const before = options.addChannel ? await readExisting(output) : undefined;
  const taken = {
    "connector-name": before?.config.channels.map((channel) => channel.connector_name) ?? [],
    "vumi-api-path": before?.config.channels.map((channel) => channel.vumi_api_path) ?? [],
  };
  const answers = await answerQuestions({ ...options, taken });
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
  const cache = cachePath(output);
  const text = () =>
    before === undefined ? newFile(flags, output, cache) : added(before.text, flags, output);
  const channel = await lastChannel(text(), output);
  // Before anything is made in Turn, which can't be undone here.
  using file = before === undefined
    ? await createPrivateFile(output, options.force)
    : await createPrivateFile(await Deno.realPath(output), true, await Deno.stat(output));
  if (register) Object.assign(flags, await decidedByTurn(channel, answers));
  file.write(text());
  const isAdded = before !== undefined;
  print(nextSteps({ output, cache, channel, isRegistered: register, isAdded }));
  return EXIT.ok;
}

/** The file to which a channel is added. It must be valid, or what is added could not be tried. */
async function readExisting(path: string): Promise<{ text: string; config: Config }> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.name : String(error);
    const hint = "without --add-channel a new file is written; --output names another one";
    throw new CommandError(EXIT.unavailable, `Cannot read ${path}: ${reason}; ${hint}`);
  }
  const loaded = await loadConfig({ flags: { config: path }, env: {} });
  return { text, config: validConfig(loaded, NOTHING_WRITTEN) };
}

/** The channel that the text of the file, as it will be written, has as its last one. */
async function lastChannel(text: string, path: string): Promise<ChannelConfig> {
  const readFile = async (named: string, maxBytes: number) =>
    named === path
      ? new TextEncoder().encode(text)
      : (await Deno.readFile(named)).subarray(0, maxBytes);
  const loaded = await loadConfig({ flags: { config: path }, env: {}, readFile });
  const channel = validConfig(loaded, NOTHING_WRITTEN).channels.at(-1);
  if (channel === undefined) throw new TypeError("A valid configuration without a channel");
  return channel;
}

function newFile(flags: Answers, output: string, cache: string): string {
  const values = {
    // Most want a cache that outlives the process.
    message_cache_class: "DenoKvMessageCache",
    "message_cache_config.path": cache,
    ...channelValues(flags),
  };
  return isJson(output) ? configJson(values) : configTemplate(values);
}

function added(text: string, flags: Answers, output: string): string {
  const longer = addChannel(text, channelValues(flags));
  if (longer !== undefined) return longer;
  const message = `${output} has no list of channels to which one can be added`;
  throw new CommandError(EXIT.config, `${message}\n${NOTHING_WRITTEN}`);
}

function isJson(path: string): boolean {
  return /\.json$/i.test(path);
}

/** What the file sets, by the keys' paths. */
function channelValues(flags: Answers): Readonly<Record<string, string>> {
  const values = Object.entries(flags).map(([flag, value]) => [flag.replaceAll("-", "_"), value]);
  return {
    // Flows start on a word, and never on the code that was dialled.
    ...flags["transport-type"] === "ussd" && { "ussd.start_text": "hi" },
    ...Object.fromEntries(values),
  };
}

/** Registers the channel; returns what Turn decides. */
async function decidedByTurn(channel: ChannelConfig, answers: Answers): Promise<Answers> {
  const { "turn-url": turnUrl = "", "channel-name": name, endpoint = "" } = answers;
  const registered = await registerChannel({
    turnUrl: turnUrl.replace(/\/+$/, ""),
    authToken: channel.auth_token,
    fromAddr: channel.default_from_addr,
    name: name ?? channel.connector_name,
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
