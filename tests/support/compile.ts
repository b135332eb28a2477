/**
 * The binary, made for a test.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { PERMISSIONS } from "./program.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Compiles as `deno task compile` does, with `env` beside its environment: by the Deno that
 * `DENO_COMPILE` names, if it does, else by the one that runs the tests. Answers why not.
 */
export async function compile(
  output: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  const args = [
    ...["compile", "--quiet", "--no-check", "--no-lock", "--include", "src/demo/page"],
    ...PERMISSIONS,
    ...["--output", output],
  ];
  const { success, stderr } = await new Deno.Command(
    Deno.env.get("DENO_COMPILE") || Deno.execPath(),
    {
      args: [...args, "src/main.ts"],
      cwd: ROOT,
      env: { RUST_MIN_STACK: "8388608", ...env },
    },
  ).output();
  return success ? undefined : new TextDecoder().decode(stderr).trim().split("\n").at(0);
}
