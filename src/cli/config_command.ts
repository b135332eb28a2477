/**
 * A command that needs the configuration: its keys are flags of the command, and nothing is done
 * unless all of it is right.
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

/** What a command does with the configuration, and may read it again; answers the exit code. */
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
  command.option("--config <file>", "JSON or YAML file; else VUMI_CONFIG_FILE names it");
  for (const { flag, description, defaultText } of configKeys()) {
    const hint = defaultText === "" ? "" : ` (default: ${defaultText})`;
    const option = new Option(`--${flag} <value>`, description + hint);
    command.addOption(option.helpGroup("Configuration:"));
  }
  return command.action(async () => shell.exit(await withConfig(command, shell, work)));
}

/** Nothing but the faults is printed when there are some, so that nobody overlooks them. */
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
