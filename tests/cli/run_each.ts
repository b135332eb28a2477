/**
 * Runs several command lines in one process, as what a start costs is much, when there are many. They
 * come as JSON; after each its exit code is printed, after a NUL, to both outputs.
 *
 * @module
 */

import { runCommandLine } from "../../src/cli/program.ts";
import { Signals } from "../../src/service/signals.ts";

for (const args of JSON.parse(Deno.args[0] ?? "")) {
  const end = new TextEncoder().encode(`\0${await runCommandLine(args, new Signals())}\n`);
  Deno.stdout.writeSync(end);
  Deno.stderr.writeSync(end);
}
