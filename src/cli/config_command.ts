// What commands share that need the configuration: its keys as flags, choosing among its channels, and
// a connection to its broker. Nothing is done unless all of the configuration is valid.

import { type Command, Option } from "commander";
import { aborted, shellWord } from "../async/mod.ts";
import type { Broker } from "../broker/mod.ts";
import { AmqpBroker } from "../broker/rabbitmq/rabbitmq_broker.ts";
import {
  type ChannelConfig,
  type Config,
  type ConfigKey,
  configKeys,
  type ConfigPlace,
  FILE_VARIABLES,
  findPlace,
  formatFaults,
  loadConfig,
  type LoadedConfig,
  USUAL_PLACES,
  type Warning,
} from "../config/mod.ts";
import { brokerOptions } from "../service/broker_options.ts";
import type { Signals } from "../service/signals.ts";
import { CommandError, commandError, EXIT } from "./exit_codes.ts";
import { printError, WIDTH, wrapText } from "./print.ts";

/** Does a command's work; `load` reads the configuration again. Returns the exit code. */
type Work = (
  config: Config,
  warnings: readonly Warning[],
  load: () => Promise<LoadedConfig>,
  /** The file, if there is one. */
  file: ConfigPlace | undefined,
) => Promise<number>;

/** Set in the compiled program, by `deno task compile`. */
export const COMMIT_VARIABLE = "TURN_CHANNELS_COMMIT";

export interface Shell {
  readonly env: Readonly<Record<string, string>>;
  readonly exit: (code: number) => void;
  readonly signals: Signals;
}

/** Gives `command` the configuration's flags, and lets it do `work`. */
export function needConfig(command: Command, shell: Shell, work: Work): Command {
  command.option("--config <file>", "the configuration, YAML or JSON");
  for (const key of configKeys) {
    // They are many: one command lists them.
    command.addOption(keyOption(key).hideHelp(command.name() !== LISTS_KEYS));
  }
  command.addHelpText("after", PLACES);
  if (command.name() !== LISTS_KEYS) command.addHelpText("after", MORE_FLAGS);
  return command.action(async () => {
    const flags = flagValues(command, ["config", ...configKeys.map(({ flag }) => flag)]);
    const file = await findPlace({ flags, env: shell.env });
    const load = (): Promise<LoadedConfig> => loadConfig({ flags, env: shell.env, file });
    // Nothing has begun that would have to be ended.
    const loaded = await Promise.race([load(), aborted(shell.signals.first)]);
    if (loaded === undefined) return shell.exit(EXIT.ok);
    const config = validConfig(loaded, file === undefined ? NO_FILE : "");
    // `run` says it in its log.
    if (file !== undefined && flags.config === undefined && command.name() !== "run") {
      printError(`Configuration: ${file.path} (${file.source})\n`);
    }
    try {
      shell.exit(await work(config, loaded.warnings, load, file));
    } catch (error) {
      const { exitCode, message } = commandError(error);
      throw new CommandError(exitCode, withConfig(message, file));
    }
  });
}

/** The flag of a key. */
export function keyOption({ flag, description, defaultText }: ConfigKey): Option {
  const hint = defaultText === "" ? "" : ` (default: ${defaultText})`;
  return new Option(`--${flag} <value>`, description + hint).helpGroup("Configuration:");
}

/** The command whose help has the configuration's keys. */
const LISTS_KEYS = "run";

const PLACES = `
Without --config it is the file that ${FILE_VARIABLES.join(" or ")}
names, else ${USUAL_PLACES.join(", else ")}.`;

const MORE_FLAGS = `
Every key of the configuration is a flag too: turn-channels ${LISTS_KEYS} --help
`;

const NO_FILE = `\n${
  wrapText(
    `No configuration file was found: neither --config nor ${FILE_VARIABLES.join(" nor ")} ` +
      `names one, and there is no ${USUAL_PLACES.join(", and no ")}.`,
    WIDTH,
  )
}`;

/**
 * The text with `--config` in the commands of ours that it names, if the file was named so: then they
 * can be run as they stand there. Otherwise they find it as this one has.
 */
export function withConfig(text: string, file: ConfigPlace | undefined): string {
  if (file?.source !== "flag --config") return text;
  const path = shellWord(file.path);
  return text.replaceAll(NEEDS_CONFIG, (command) => `${command} --config ${path}`);
}

const NEEDS_CONFIG =
  /\bturn-channels (?:run|check|status|find|audit|parked [a-z-]+)(?! --config)\b/g;

/** The values of those of these flags that were given. */
export function flagValues(command: Command, flags: readonly string[]): Record<string, string> {
  const given = flags.flatMap((flag) => {
    const value: unknown = command.getOptionValue(new Option(`--${flag}`).attributeName());
    return typeof value === "string" ? [[flag, value] as const] : [];
  });
  return Object.fromEntries(given);
}

/** @throws {CommandError} If there are faults; it names all of them, and then says `more`. */
export function validConfig(loaded: LoadedConfig, more = ""): Config {
  if (loaded.kind === "ok") return loaded.config;
  throw new CommandError(
    EXIT.config,
    `${formatFaults(loaded.faults, loaded.warnings)}${more}`.trimEnd(),
  );
}

/** For commands that are about all channels unless it is given. */
export const CONNECTOR = new Option(
  "--connector <name>",
  "only the channel with this connector_name",
);

/** All channels, or the one of `connector`. Throws `CommandError` if there is none. */
export function selectChannels({ channels }: Config, connector?: string): readonly ChannelConfig[] {
  if (connector === undefined) return channels;
  const selected = channels.filter(({ connector_name }) => connector_name === connector);
  if (selected.length > 0) return selected;
  throw choiceError(`There is no channel ${connector}`, channels);
}

/** The one channel that a command is about. Throws `CommandError` if it is not clear which. */
export function selectChannel(config: Config, connector?: string): ChannelConfig {
  const [selected, another] = selectChannels(config, connector);
  if (selected !== undefined && another === undefined) return selected;
  throw choiceError("There are several channels", config.channels);
}

function choiceError(what: string, channels: readonly ChannelConfig[]): CommandError {
  const names = channels.map(({ connector_name }) => connector_name).join(", ");
  return new CommandError(EXIT.usage, `${what}; --connector must be one of: ${names}`);
}

/** How long a command waits for a server. */
export const TIMEOUT_MS = 10_000;

/**
 * Connects to the configuration's broker until `opened` is disposed.
 * @throws {CommandError} If it is inside the running bridge.
 * @throws {PublishError} If it can't be reached.
 */
export async function openBroker(config: Config, opened: AsyncDisposableStack): Promise<Broker> {
  const options = brokerOptions(config);
  if (options === undefined) {
    throw new CommandError(
      EXIT.usage,
      "With amqp_url memory: the queues are inside the running bridge, and can't be reached from here.",
    );
  }
  const broker = opened.use(AmqpBroker.open(options));
  await broker.ready(TIMEOUT_MS);
  return broker;
}
