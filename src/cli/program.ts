/**
 * What can be typed: commands, flags and help. The flags are the configuration's keys. The one place
 * that looks at the environment.
 *
 * @module
 */

import { Command, CommanderError, Option } from "commander";
import { type Config, configKeys, formatFaults, loadConfig, type Warning } from "../config/mod.ts";
import manifest from "../../deno.json" with { type: "json" };
import { check } from "./check.ts";
import { demo } from "./demo.ts";
import { EXIT } from "./exit_codes.ts";
import { handset, type HandsetOptions } from "./handset.ts";
import { addPageOptions, type PageOptions } from "./page.ts";
import { printError } from "./print.ts";
import { run } from "./run.ts";

/** What a command that needs the configuration does with it; answers the exit code. */
type Work = (
  config: Config,
  warnings: readonly Warning[],
  options: HandsetOptions,
) => Promise<number>;

/** Does what the arguments say. Answers the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const program = new Command("turn-channels")
    .description("The bridge between Turn's Channels API and vumi's queues on RabbitMQ.")
    .version(manifest.version)
    .helpCommand(false)
    .addHelpText("after", "\nEach key of the configuration is a flag too: turn-channels run --help")
    .exitOverride()
    .configureOutput({ writeErr: (text) => printError(withoutValues(text)) });
  addCommand(program, "run", "run the bridge (what is done when no command is given)", run);
  addCommand(
    program,
    "check",
    "tell what is wrong with a configuration, and how to mend it",
    check,
  );
  const demoCommand = program.command("demo")
    .description("show the bridge at work, with a pretend Turn and pretend phones, also on a page")
    .option("--once", "leave when the script is through; without the page", false)
    .option("--port <port>", "let the bridge listen on this port", parsePort);
  addPageOptions(demoCommand, parsePort, parseSeconds)
    .action(async (options: PageOptions & { once: boolean; port?: number }) => {
      code = await demo({ ...options, port: options.port });
    });
  const handsetCommand = addCommand(
    program,
    "handset",
    "play the phones, on a page, before the broker and the Turn of a configuration",
    (config, _warnings, options) => handset(config, options),
  );
  handsetCommand.option("--force", "even if somebody else takes messages to users", false);
  addPageOptions(handsetCommand, parsePort, parseSeconds);
  try {
    await program.parseAsync(args.flatMap(splitFlag), { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }

  function addCommand(parent: Command, name: string, description: string, work: Work): Command {
    const command = parent.command(name, { isDefault: name === "run" }).description(description);
    command.option("--config <file>", "JSON or YAML file; else VUMI_CONFIG_FILE names it");
    for (const { flag, description, defaultText } of configKeys()) {
      const hint = defaultText === "" ? "" : ` (default: ${defaultText})`;
      command.addOption(new Option(`--${flag} <value>`, description + hint));
    }
    return command.action(async (options: HandsetOptions) => {
      code = await withConfig(command, (...loaded) => work(...loaded, options));
    });
  }
}

/** Nothing but the faults is printed when there are some, so that nobody overlooks them. */
async function withConfig(
  command: Command,
  work: (config: Config, warnings: readonly Warning[]) => Promise<number>,
): Promise<number> {
  const keys = new Set(["config", ...configKeys().map(({ flag }) => flag)]);
  const values: Record<string, string> = command.opts();
  const flags: Record<string, string> = {};
  for (const option of command.options) {
    const value = values[option.attributeName()];
    const name = option.long?.slice(2) ?? option.name();
    if (value !== undefined && keys.has(name)) flags[name] = value;
  }
  const loaded = await loadConfig({ flags, env: Deno.env.toObject() });
  if (loaded.kind === "ok") return await work(loaded.config, loaded.warnings);
  printError(formatFaults(loaded.faults));
  return EXIT.config;
}

/** `--flag=value` in two, so that what is said of a flag that is not known holds no value. */
function splitFlag(argument: string): string[] {
  const [, flag, value] = /^(--[^=]+)=([^]*)$/.exec(argument) ?? [];
  return flag === undefined || value === undefined ? [argument] : [flag, value];
}

/** Stray values are not repeated: they may be secrets whose flag was mistyped. */
function withoutValues(text: string): string {
  return text.replace(/(but got \d+): [^]*/, "$1.\n");
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new CommanderError(EXIT.usage, "port", `--port must be 0 to 65535, not ${text}`);
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 86_400) return seconds;
  throw new CommanderError(
    EXIT.usage,
    "seconds",
    `--ussd-timeout must be more than 0 and at most 86400 seconds, not ${text}`,
  );
}
