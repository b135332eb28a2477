/**
 * Commands that need the configuration: its keys are flags of the command, and nothing is done unless
 * all of it is valid.
 *
 * @module
 */

import { type Command, Option } from "commander";
import {
  type Config,
  configKeys,
  formatFaults,
  loadConfig,
  type LoadedConfig,
  type Warning,
} from "../config/mod.ts";
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
