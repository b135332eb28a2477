/**
 * Runs several command lines in one process, as what a start costs is much, when there are many. They
 * come as JSON; after each its exit code is printed, after a NUL, to both outputs.
 *
 * @module
 */

import { main } from "../../src/cli/program.ts";

for (const args of JSON.parse(Deno.args[0] ?? "")) {
  const end = new TextEncoder().encode(`\0${await main(args)}\n`);
  Deno.stdout.writeSync(end);
  Deno.stderr.writeSync(end);
}
