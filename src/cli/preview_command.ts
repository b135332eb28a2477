// The command line of `turn-channels preview`, and the channel that it shows; preview.ts does the work,
// and is loaded only with it.

import { type Command, Option } from "commander";
import { type ChannelConfig, configKeys, loadConfig, namedPlace } from "../config/mod.ts";
import {
  CONNECTOR,
  flagValues,
  keyOption,
  selectChannel,
  type Shell,
  validConfig,
} from "./config_command.ts";
import type { PreviewFlags } from "./preview.ts";
import { printError } from "./print.ts";

/** The keys of the configuration that say how messages look on a phone. */
const PHONE_KEYS = configKeys.filter(({ path }) =>
  /^(?:ussd|sms|words|text_encoding|templates)(?:\.|$)/.test(path)
);

/** Adds the command. */
export function addPreview(program: Command, shell: Shell): void {
  const command = program.command("preview")
    .description("show what flows exported from Turn look like on a phone, and what to mend")
    .argument(
      "<file...>",
      "flows, as Turn exports them in JSON, or transcripts of the handset's page",
    )
    .addOption(new Option("--ussd", "as screens of USSD (the default, but for a channel of SMS)"))
    .addOption(new Option("--sms", "as SMS").conflicts("ussd"))
    .option("--html <file>", "write a page to print or pass on, in place of text")
    .option("--json", "print JSON in place of text")
    .option("--strict", "exit code 1 if there is a warning, or something could not be read")
    .option("--values <file>", "samples of what flows get from elsewhere, in JSON or YAML")
    .option("--write-values <file>", "write such a file, to be filled in")
    .option("--config <file>", "the configuration of the channel; it may be a part of one")
    .addOption(CONNECTOR);
  for (const key of PHONE_KEYS) command.addOption(keyOption(key));
  command.action(async (names: string[], options: PreviewFlags) => {
    const flags = flagValues(command, ["config", ...PHONE_KEYS.map(({ flag }) => flag)]);
    const channel = await channelOf(flags, shell.env, options.connector);
    const { preview } = await import("./preview.ts");
    shell.exit(await preview(names, channel, options));
  });
}

/**
 * The channel that is shown: one of the configuration, or one that is as if none of its keys were set. What
 * is not about phones, and secrets above all, need not be there: a designer has none.
 */
async function channelOf(
  flags: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
  connector: string | undefined,
): Promise<ChannelConfig> {
  const load = (more: Readonly<Record<string, string>>) =>
    loadConfig({ flags: { ...PLACEHOLDERS, ...more, ...flags }, env });
  let loaded = await load({});
  const isNameless = loaded.kind === "faulty" &&
    loaded.faults.some(({ key, value }) => key === "connector_name" && value === undefined);
  if (isNameless) {
    const isAny = namedPlace({ flags, env }) === undefined;
    loaded = await load({ "connector-name": "preview", ...isAny && { "transport-type": "ussd" } });
  }
  const config = validConfig(loaded);
  for (const { key, message } of loaded.warnings) printError(`${key}: ${message}\n`);
  return selectChannel(config, connector);
}

const REQUIRED: Readonly<Record<string, string>> = {
  "default-from-addr": "0",
  "http-bind": "127.0.0.1:0",
  "turn-api-url": "http://127.0.0.1",
  "auth-token": "none",
  "turn-hmac-secret": "none",
  "amqp-url": "memory:",
  "message-cache-class": "MemoryMessageCache",
};

/** Flags for keys that say nothing about phones. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    configKeys.filter(({ path }) => path.endsWith("_file")).map(({ flag }) => [flag, ""]),
  ),
  ...REQUIRED,
};
