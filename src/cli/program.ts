/**
 * What can be typed: commands, flags and help. The flags are the configuration's keys. The one place
 * that looks at the environment.
 *
 * @module
 */

import { Command, CommanderError } from "commander";
import manifest from "../../deno.json" with { type: "json" };
import { audit } from "./audit.ts";
import { CONNECTOR_HELP } from "./select_channels.ts";
import { check } from "./check.ts";
import { needConfig, type Shell } from "./config_command.ts";
import { addDemoCommands } from "./demo_commands.ts";
import { EXIT } from "./exit_codes.ts";
import { addFind } from "./find.ts";
import { addParkedCommands } from "./parked.ts";
import { printError } from "./print.ts";
import { run } from "./run.ts";
import { addSetupCommands } from "./setup_commands.ts";

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
  const shell: Shell = { env: Deno.env.toObject(), exit: (exitCode) => code = exitCode };
  needConfig(
    program.command("run", { isDefault: true })
      .description("run the bridge (what is done when no command is given)"),
    shell,
    run,
  );
  needConfig(
    program.command("check")
      .description("tell what is wrong with a configuration, and how to mend it"),
    shell,
    check,
  );
  addFind(program, shell);
  addParkedCommands(program, shell);
  const auditCommand = program.command("audit")
    .description("count what came and what became of it; exit code 1 if it does not add up")
    .option("--connector <name>", CONNECTOR_HELP);
  needConfig(
    auditCommand,
    shell,
    (config) => audit(config, auditCommand.opts<{ connector?: string }>().connector),
  );
  addSetupCommands(program, shell);
  addDemoCommands(program, shell);
  try {
    await program.parseAsync(args.flatMap(splitFlag), { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
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
