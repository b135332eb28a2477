/**
 * The commands that set the program up: each prints or writes something, and needs no configuration.
 *
 * @module
 */

import { type Command, Option } from "commander";
import { configJsonSchema } from "../config/mod.ts";
import { alertRules, dashboard } from "../telemetry/mod.ts";
import type { Shell } from "./config_command.ts";
import { init } from "./init.ts";
import { questionFlags } from "./init_questions.ts";
import { print } from "./print.ts";
import { systemdUnit } from "./systemd_unit.ts";
import { Terminal } from "./terminal.ts";

/** Adds them to `program`. */
export function addSetupCommands(program: Command, shell: Shell): void {
  addInit(program, shell);
  program.command("config-schema")
    .description("print the JSON Schema of the configuration file, for editors")
    .action(() => print(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`));
  program.command("dashboard")
    .description("print a dashboard for Grafana, to be imported there")
    .action(() => print(dashboard()));
  program.command("alerts")
    .description("print alert rules for Prometheus; what to do then is in the README")
    .option("--readme <url>", "where the README is, for the rules to link to", "README.md")
    .action(({ readme }: { readme: string }) => print(alertRules({ readme })));
  program.command("systemd-unit")
    .description("print a unit for systemd that gives the program what it needs, and nothing else")
    .option("--config <file>", "the configuration as installed, for what depends on it")
    .option("--binary <file>", "the program as installed", "/usr/local/bin/turn-channels")
    .action(async (options: { config?: string; binary: string }) => {
      shell.exit(await systemdUnit({ config: options.config, binary: options.binary }));
    });
}

function addInit(program: Command, shell: Shell): void {
  const command = program.command("init")
    .description("write a configuration to begin with; asks for what the flags do not say")
    .option("--output <file>", "the file to write", "config.yaml")
    .option("--force", "replace the file if it exists", false)
    .option("--register", "make the channel in Turn, with the token of an existing number", false);
  for (const { flag, text } of questionFlags()) {
    command.addOption(new Option(`--${flag} <value>`, text));
  }
  command.action(async () => {
    const { output, force, register } = command.opts<
      { output: string; force: boolean; register: boolean }
    >();
    const given = valuesOf(command, new Set(questionFlags().map(({ flag }) => flag)));
    const asker = Deno.stdin.isTerminal() ? new Terminal() : undefined;
    shell.exit(await init({ given, output, force, register, asker }));
  });
}

function valuesOf(command: Command, flags: ReadonlySet<string>): Record<string, string> {
  const values: Record<string, unknown> = command.opts();
  return Object.fromEntries(
    command.options.flatMap((option) => {
      const flag = option.long?.slice(2) ?? "";
      const value = values[option.attributeName()];
      return flags.has(flag) && typeof value === "string" ? [[flag, value]] : [];
    }),
  );
}
