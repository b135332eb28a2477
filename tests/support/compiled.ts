/**
 * Compiles as `deno task compile` does: by the Deno that `DENO_COMPILE` names, if it does (where
 * release files can't be downloaded), else by the one that runs the tests.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { PERMISSIONS } from "./program.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** How it is compiled. */
export interface CompileOptions {
  /** A path from the repository's root; the program unless given. */
  readonly script?: string;
  /** What is in the environment besides. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Makes `output`; answers why not. */
export async function compile(
  output: string,
  { script = "src/main.ts", env = {} }: CompileOptions = {},
): Promise<string | undefined> {
  const deno = Deno.env.get("DENO_COMPILE") || Deno.execPath();
  const args = [
    ...["compile", "--quiet", "--no-check", "--no-lock", "--include", "src/simulator/page"],
    ...["--include", "docs/runbook.md"],
    ...PERMISSIONS,
    ...["--output", output],
  ];
  const { success, stderr } = await new Deno.Command(deno, {
    args: [...args, script],
    cwd: ROOT,
    env: { RUST_MIN_STACK: "8388608", ...env },
  }).output();
  return success ? undefined : new TextDecoder().decode(stderr).trim().split("\n").at(0);
}
