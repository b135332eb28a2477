// The command line: commands, flags and help. The configuration's keys are flags. No other file reads
// the environment.

import manifest from "../../deno.json" with { type: "json" };
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { configJsonSchema } from "../config/mod.ts";
import type { Signals } from "../service/signals.ts";
import { alertRules, dashboard } from "../telemetry/mod.ts";
import { audit } from "./audit.ts";
import { check, type CheckOptions } from "./check.ts";
import {
  COMMIT_VARIABLE,
  CONNECTOR,
  flagValues,
  needConfig,
  type Shell,
} from "./config_command.ts";
import { commandError, EXIT } from "./exit_codes.ts";
import type { DemoOptions } from "./demo.ts";
import { explain } from "./explain.ts";
import { addFind } from "./find.ts";
import type { HandsetOptions } from "./handset.ts";
import { init } from "./init.ts";
import { questionFlags } from "./init_questions.ts";
import { addParkedCommands } from "./parked.ts";
import { addPreview } from "./preview_command.ts";
import { print, printLast } from "./print.ts";
import { run } from "./run.ts";
import { addStatus } from "./status.ts";
import { systemdUnit } from "./systemd_unit.ts";
import { Terminal } from "./terminal.ts";
import { usageFault } from "./usage.ts";

/** Runs a command line; returns the exit code. */
export async function runCommandLine(args: readonly string[], signals: Signals): Promise<number> {
  let code: number = EXIT.ok;
  let usageError = "";
  const shell: Shell = { env: Deno.env.toObject(), exit: (exitCode) => code = exitCode, signals };
  // Deno would listen there, and not where the configuration says.
  Deno.env.delete("DENO_SERVE_ADDRESS");
  const program = makeProgram(shell, (text) => void (usageError += withoutValues(text)));
  const fault = await usageFault(args, program, shell.env);
  if (fault !== undefined) {
    await printLast(fault);
    return EXIT.usage;
  }
  try {
    await program.parseAsync(args.flatMap(splitFlag), { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      await printLast(usageError);
      return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    }
    const { exitCode, message } = commandError(error);
    await printLast(`${message}\n`);
    return exitCode;
  }
}

/** The line's width, whatever the terminal's is: help is read in logs and mails, too. */
const WIDTH = 80;

/** All commands; what is wrong with a command line is told to `onError`. */
export function makeProgram(shell: Shell, onError: (text: string) => void): Command {
  const program = new Command("turn-channels")
    .description("The bridge between Turn's Channels API and vumi's queues on RabbitMQ.")
    .version(`${manifest.version} (commit ${shell.env[COMMIT_VARIABLE] ?? "unknown"})`)
    .helpCommand(false)
    .addHelpText("after", "\nEvery configuration key is a flag too: turn-channels run --help")
    .exitOverride()
    .configureOutput({
      writeOut: print,
      writeErr: onError,
      getOutHelpWidth: () => WIDTH,
      getErrHelpWidth: () => WIDTH,
    });
  const runCommand = program.command("run", { isDefault: true })
    .description("run the bridge (the default command)")
    // Its flags are long: what they mean stands below them.
    .configureHelp({
      formatItem(term, _width, text, help) {
        const lines = help.boxWrap(text, WIDTH - 6).split("\n");
        return [`  ${term}`, ...lines.map((line) => `      ${line}`)].join("\n");
      },
    });
  needConfig(runCommand, shell, (...loaded) => run(shell, ...loaded));
  const checkCommand = program.command("check")
    .description("check a configuration and what it names, and say how to fix what is wrong")
    .option("--dry", "make nothing on the broker: without it, missing queues are made", false)
    .option("--json", "print the results as JSON", false);
  needConfig(checkCommand, shell, (config, warnings, _load, file) => {
    return check(config, warnings, file, checkCommand.opts<CheckOptions>());
  });
  addStatus(program, shell);
  addFind(program, shell);
  addParkedCommands(program, shell);
  const auditCommand = program.command("audit")
    .description("count what came and what became of it; exit code 1 if it does not add up")
    .addOption(CONNECTOR);
  needConfig(auditCommand, shell, (config) => audit(config, auditCommand.opts()));
  addPreview(program, shell);
  addSetupCommands(program, shell);
  addDemoCommands(program, shell);
  return program;
}

/** Splits `--flag=value`, so that an error about an unknown flag holds no value. */
function splitFlag(argument: string): string[] {
  const [, flag, value] = /^(--[^=]+)=([^]*)$/.exec(argument) ?? [];
  return flag === undefined || value === undefined ? [argument] : [flag, value];
}

/** Leaves stray values out of errors: they may be secrets whose flag was mistyped. */
function withoutValues(text: string): string {
  return text.replace(/(but got \d+): [^]*/, "$1.\n");
}

/** Adds commands that print or write something, and need no configuration. */
function addSetupCommands(program: Command, shell: Shell): void {
  addInit(program, shell);
  program.command("config-schema")
    .description("print the JSON Schema of the configuration file, for editors")
    .action(() => print(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`));
  program.command("dashboard")
    .description("print a dashboard to import into Grafana")
    .action(() => print(dashboard()));
  program.command("alerts")
    .description("print alert rules for Prometheus; explain says what to do about each")
    .option("--runbook <url>", "where docs/runbook.md is served, if the rules are to link to it")
    .action(({ runbook }: { runbook?: string }) => print(alertRules({ runbook })));
  program.command("explain")
    .description("what an alert means and what to do, as docs/runbook.md says; all, without a name")
    .argument("[alert]", "the alert's name")
    .action(async (alert?: string) => shell.exit(await explain(alert)));
  program.command("systemd-unit")
    .description("print a systemd unit that gives the program the rights it needs and no others")
    .option("--config <file>", "the configuration as installed, which some of the unit depends on")
    .option("--binary <file>", "the program as installed", "/usr/local/bin/turn-channels")
    .action(async (options: { config?: string; binary: string }) => {
      shell.exit(await systemdUnit(options));
    });
}

function addInit(program: Command, shell: Shell): void {
  const command = program.command("init")
    .description("write a first configuration; asks for what the flags do not give")
    .option("--output <file>", "the file to write", "config.yaml")
    .option("--force", "replace the file if it exists", false)
    .option("--add-channel", "add a channel to the file, which is else left as it is", false)
    .option(
      "--register",
      "register the channel in Turn first, with the token of an existing number",
      false,
    );
  const questions = questionFlags();
  for (const { flag, text } of questions) command.addOption(new Option(`--${flag} <value>`, text));
  interface Options {
    readonly output: string;
    readonly force: boolean;
    readonly register: boolean;
    readonly addChannel: boolean;
  }
  command.action(async (options: Options) => {
    const given = flagValues(command, questions.map(({ flag }) => flag));
    const asker = Deno.stdin.isTerminal() ? new Terminal() : undefined;
    shell.exit(await init({ ...options, given, asker }));
  });
}

/** Adds commands to try the bridge. Their code, a tenth of a bridge at rest, is loaded only with them. */
function addDemoCommands(program: Command, shell: Shell): void {
  const demoCommand = program.command("demo")
    .description("show the bridge at work with a simulated Turn and simulated phones, on a page")
    .option("--once", "end after the tour, without the page", false)
    .option("--port <port>", "the bridge's port (default: 8080, or a free one)", parsePort);
  addPageOptions(demoCommand).action(async (options: DemoOptions) => {
    const { demo } = await import("./demo.ts");
    shell.exit(await demo(options));
  });
  const handsetCommand = program.command("handset")
    .description("use simulated phones, on a page, with the broker and the Turn of a configuration")
    .addOption(CONNECTOR)
    .addOption(
      new Option("--waiting <what>", "what becomes of messages that wait in the outbound queue")
        .choices(["leave", "take"]),
    )
    .option("--force", "start even if another program consumes the outbound queue", false);
  addPageOptions(handsetCommand);
  needConfig(handsetCommand, shell, async (config) => {
    const { handset } = await import("./handset.ts");
    return await handset(config, handsetCommand.opts<HandsetOptions>());
  });
}

function addPageOptions(command: Command): Command {
  return command
    .option("--page-port <port>", "the page's port (default: 8090, or a free one)", parsePort)
    .option("--page-host <address>", "the address that the page is served on", "127.0.0.1");
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new InvalidArgumentError("It must be 0 to 65535.");
}
