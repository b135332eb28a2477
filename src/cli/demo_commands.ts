/**
 * The commands with which the bridge is tried: `demo` and `handset`.
 *
 * @module
 */

import { type Command, InvalidArgumentError } from "commander";
import { needConfig, type Shell } from "./config_command.ts";
import { demo } from "./demo.ts";
import { handset, type HandsetOptions } from "./handset.ts";
import { addPageOptions, type PageOptions } from "./page.ts";

/** Adds the commands to `program`. */
export function addDemoCommands(program: Command, shell: Shell): void {
  const demoCommand = program.command("demo")
    .description("show the bridge at work, with a pretend Turn and pretend phones, also on a page")
    .option("--once", "leave when the script is through; without the page", false)
    .option("--port <port>", "let the bridge listen on this port", parsePort);
  addPageOptions(demoCommand, parsePort, parseSeconds)
    .action(async (options: PageOptions & { once: boolean; port?: number }) => {
      shell.exit(await demo({ ...options, port: options.port }));
    });
  const handsetCommand = program.command("handset")
    .description("play the phones, on a page, before the broker and the Turn of a configuration")
    .option("--connector <name>", "of several channels, the one with this connector_name")
    .option("--force", "even if somebody else takes messages to users", false);
  addPageOptions(handsetCommand, parsePort, parseSeconds);
  needConfig(
    handsetCommand,
    shell,
    (config) => handset(config, handsetCommand.opts<HandsetOptions>()),
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
