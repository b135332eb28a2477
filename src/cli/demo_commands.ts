/**
 * The commands with which the bridge is tried: `demo` and `handset`. What they need is loaded with
 * them only: it would be a tenth of what the bridge takes at rest.
 *
 * @module
 */

import { type Command, InvalidArgumentError, Option } from "commander";
import { needConfig, type Shell } from "./config_command.ts";
import type { HandsetOptions } from "./handset.ts";
import type { PageOptions } from "./page.ts";

/** As a network has it. */
const DEFAULT_USSD_TIMEOUT = 180;

/** Adds the commands to `program`. */
export function addDemoCommands(program: Command, shell: Shell): void {
  const demoCommand = program.command("demo")
    .description("show the bridge at work, with a pretend Turn and pretend phones, also on a page")
    .option("--once", "leave when the script is through; without the page", false)
    .option("--port <port>", "let the bridge listen on this port", parsePort);
  addPageOptions(demoCommand)
    .action(async (options: PageOptions & { once: boolean; port?: number }) => {
      const { demo } = await import("./demo.ts");
      shell.exit(await demo({ ...options, port: options.port }));
    });
  const handsetCommand = program.command("handset")
    .description("play the phones, on a page, before the broker and the Turn of a configuration")
    .option("--connector <name>", "of several channels, the one with this connector_name")
    .option("--force", "even if somebody else takes messages to users", false);
  addPageOptions(handsetCommand);
  needConfig(handsetCommand, shell, async (config) => {
    const { handset } = await import("./handset.ts");
    return await handset(config, handsetCommand.opts<HandsetOptions>());
  });
}

function addPageOptions(command: Command): Command {
  return command
    .addOption(new Option("--page-port <port>", "serve the page on this port").argParser(parsePort))
    .option("--page-host <address>", "serve the page on this address", "127.0.0.1")
    .addOption(
      new Option("--ussd-timeout <seconds>", "end USSD sessions after this time")
        .argParser(parseSeconds).default(DEFAULT_USSD_TIMEOUT),
    );
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new InvalidArgumentError("It must be 0 to 65535.");
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError("It must be more than 0 and at most 86400 seconds.");
}
