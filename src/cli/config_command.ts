/**
 * What commands share that need the configuration: its keys as flags, choosing among its channels, and
 * a connection to its broker. Nothing is done unless all of the configuration is valid.
 *
 * @module
 */

import { type Command, Option } from "commander";
import type { Broker } from "../broker/mod.ts";
import { AmqpBroker } from "../broker/rabbitmq/rabbitmq_broker.ts";
import {
  type ChannelConfig,
  type Config,
  configKeys,
  formatFaults,
  loadConfig,
  type LoadedConfig,
  type Warning,
} from "../config/mod.ts";
import { brokerOptions } from "../service/broker_options.ts";
import { PublishError } from "../vumi/mod.ts";
import { EXIT } from "./exit_codes.ts";
import { printError } from "./print.ts";

/** What a command does with the configuration, which `load` reads again; returns the exit code. */
export type Work = (
  config: Config,
  warnings: readonly Warning[],
  load: () => Promise<LoadedConfig>,
) => Promise<number>;

/** What commands share. */
export interface Shell {
  readonly env: Readonly<Record<string, string>>;
  readonly exit: (code: number) => void;
}

/** Gives `command` the configuration's flags, and lets it do `work`. */
export function needConfig(command: Command, shell: Shell, work: Work): Command {
  command.option(
    "--config <file>",
    "JSON or YAML file (default: the one that VUMI_CONFIG_FILE names)",
  );
  for (const { flag, description, defaultText } of configKeys()) {
    const hint = defaultText === "" ? "" : ` (default: ${defaultText})`;
    const option = new Option(`--${flag} <value>`, description + hint);
    command.addOption(option.helpGroup("Configuration:"));
  }
  return command.action(async () => shell.exit(await withConfig(command, shell, work)));
}

/** Prints nothing but the faults if there are some, so that nobody overlooks them. */
async function withConfig(command: Command, { env }: Shell, work: Work): Promise<number> {
  const values: Readonly<Record<string, unknown>> = command.opts();
  const known = new Set(["config", ...configKeys().map(({ flag }) => flag)]);
  const flags: Record<string, string> = {};
  for (const option of command.options) {
    const name = option.long?.slice(2) ?? option.name();
    const value = values[option.attributeName()];
    if (known.has(name) && typeof value === "string") flags[name] = value;
  }
  const load = (): Promise<LoadedConfig> => loadConfig({ flags, env });
  const loaded = await load();
  if (loaded.kind === "ok") return await work(loaded.config, loaded.warnings, load);
  printError(formatFaults(loaded.faults));
  return EXIT.config;
}

/** The flag's description, for commands that are about all channels unless it is given. */
export const CONNECTOR_HELP = "only the channel with this connector_name";

/** All channels, or the one of `connector`. Undefined, with a message printed, if there is none. */
export function selectChannels(
  { channels }: Config,
  connector: string | undefined,
): readonly ChannelConfig[] | undefined {
  if (connector === undefined) return channels;
  const selected = channels.filter(({ connector_name }) => connector_name === connector);
  if (selected.length > 0) return selected;
  printChoices(`There is no channel ${connector}`, channels);
  return undefined;
}

/** The one channel of a command. Undefined, with a message printed, if it is not clear which. */
export function selectChannel(
  config: Config,
  connector: string | undefined,
): ChannelConfig | undefined {
  const selected = selectChannels(config, connector);
  if (selected === undefined || selected.length === 1) return selected?.[0];
  printChoices("There are several channels", selected);
  return undefined;
}

function printChoices(what: string, channels: readonly ChannelConfig[]): void {
  const names = channels.map(({ connector_name }) => connector_name).join(", ");
  printError(`${what}; --connector must be one of: ${names}\n`);
}

/** Longest that connecting may take. */
const TIMEOUT_MS = 10_000;

/** Does `work` with the configuration's broker; returns its exit code, or that of a failed connection. */
export async function withBroker(
  config: Config,
  work: (broker: Broker) => Promise<number>,
): Promise<number> {
  const options = brokerOptions(config);
  if (options === undefined) {
    printError(
      "With amqp_url memory: the queues are inside the running bridge, and can't be reached from here.\n",
    );
    return EXIT.usage;
  }
  await using broker = AmqpBroker.open(options);
  try {
    await broker.ready(TIMEOUT_MS);
    return await work(broker);
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    printError(`${error.message}\nRun turn-channels check to see what to fix.\n`);
    return EXIT.unavailable;
  }
}
