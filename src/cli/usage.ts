// What is told before there is a command to tell it: that none was named, or one that there is not.

import type { Command } from "commander";
import { configKeys, findPlace, nearest } from "../config/mod.ts";

const FIRST_WORDS = `No command, and no configuration was found.
  turn-channels demo     shows the bridge at work; it needs nothing else
  turn-channels init     asks what is needed, and writes a first configuration
  turn-channels --help   lists all commands
`;

/** What is wrong with a command line before it is read; undefined if nothing is. */
export async function usageFault(
  args: readonly string[],
  program: Command,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const [first] = args;
  if (first === undefined) return await isConfigured(env) ? undefined : FIRST_WORDS;
  const names = program.commands.map((command) => command.name());
  if (first.startsWith("-") || names.includes(first)) return undefined;
  // It is not repeated: it may be a secret whose flag is missing.
  const near = nearest(first, names);
  const hint = near === undefined ? "turn-channels --help lists them" : `did you mean ${near}?`;
  return `error: there is no such command; ${hint}\n`;
}

/** Whether there is a file, or at least one variable that is required. */
async function isConfigured(env: Readonly<Record<string, string>>): Promise<boolean> {
  const prefix = env.VUMI_CONFIG_PREFIX ? `${env.VUMI_CONFIG_PREFIX.toUpperCase()}_` : "";
  if (configKeys.some((key) => key.required && env[prefix + key.env] !== undefined)) return true;
  return await findPlace({ flags: {}, env }) !== undefined;
}
