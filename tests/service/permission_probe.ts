/**
 * The program, and in it somebody who tries what it must not be able to do: at once if the first
 * argument is `early`, and when it gets SIGUSR1. What came of it is a line of JSON on standard error.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { dirname } from "node:path";
import { main } from "../../src/cli/mod.ts";

const [when, place = "", ...args] = Deno.args;

/** A module that would be loaded over the network; put together, so that it is not looked for. */
const REMOTE = ["https:", "", "jsr.io", "module.ts"].join("/");

const TRIALS: Readonly<Record<string, () => unknown>> = {
  run: () => new Deno.Command("true").output(),
  runByNode: () => {
    // It does not throw: there is no exit code, as nothing was run.
    if (spawnSync("true").status !== 0) throw new Error("Requires run access");
  },
  ffi: () => Deno.dlopen("libc.so.6", {}),
  // The program names no others: its first argument would be theirs.
  addon: () => process().dlopen({ exports: {} }, "libc.so.6"),
  remoteCode: () => import(REMOTE),
  hostname: () => Deno.hostname(),
  write: () => Deno.writeTextFile(`${place}/outside`, "x"),
  writeBesideTheCache: () => Deno.writeTextFile(`${place}/cache.kv-x`, "x"),
  writeTheCache: () => Deno.writeTextFile(`${place}/cache.kv`, "x", { append: true }),
  writeByNode: () => appendFileSync(`${place}/outside`, "x"),
  remove: () => Deno.remove(`${place}/cache.kv`),
  openAnotherCache: async () => (await Deno.openKv(`${place}/other.kv`)).close(),
  link: () => Deno.symlink(place, `${dirname(place)}/link-${crypto.randomUUID()}`),
};

function process(): { dlopen(module: unknown, path: string): void } {
  // Node's own, which its types do not tell of.
  return (globalThis as unknown as { process: ReturnType<typeof process> }).process;
}

async function probe(): Promise<void> {
  const came: Record<string, string> = {};
  for (const [name, trial] of Object.entries(TRIALS)) {
    try {
      await trial();
      came[name] = "possible";
    } catch (error) {
      came[name] = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    }
  }
  const line = `\n${JSON.stringify({ probe: came })}\n`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}

if (when === "early") await probe();
else Deno.addSignalListener("SIGUSR1", () => void probe());
Deno.exit(await main(args));
