// The first moment of every command: `run`, which a signal stops in good order, heeds signals before
// anything else is loaded, which takes most of a start.

import { Signals } from "../service/signals.ts";

/** Runs a command line; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const signals = new Signals();
  // A command stands before its flags, and without one it is run.
  const [command = "run"] = args;
  if (command === "run" || command.startsWith("-")) signals.heed();
  const { runCommandLine } = await import("./program.ts");
  return await runCommandLine(args, signals);
}
