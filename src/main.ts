/**
 * The entry point that is compiled: command line in, exit code out.
 *
 * @module
 */

import { main } from "./cli/mod.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));
