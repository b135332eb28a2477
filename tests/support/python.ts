/**
 * Python packages that a test needs, in an environment of their own that later runs find again.
 *
 * @module
 */

import { tmpdir } from "node:os";

/** The path of a Python that has what is required, or in words why there is none. */
export type Python =
  | { readonly kind: "python"; readonly path: string }
  | { readonly kind: "missing"; readonly why: string };

/** Finds or makes it; the first time takes a minute. Each of the `required` has an exact version. */
export async function pythonWith(...required: readonly string[]): Promise<Python> {
  const name = required.join("-").replaceAll(/[^\w.-]+/g, "-");
  const folder = `${tmpdir()}/turn-channels-python-${name}`;
  const path = `${folder}/bin/python`;
  // It is written last of all, so that what was begun and not finished is made again.
  const mark = `${folder}/complete`;
  if (await exists(mark)) return { kind: "python", path };
  const made = await run("python3", ["-m", "venv", "--clear", folder]);
  if (made !== undefined) return { kind: "missing", why: `no venv: ${made}` };
  const installed = await run(path, ["-m", "pip", "install", "--quiet", ...required]);
  if (installed !== undefined) {
    return { kind: "missing", why: `no ${required.join(" ")}: ${installed}` };
  }
  await Deno.writeTextFile(mark, "");
  return { kind: "python", path };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Answers the last line that a command said when it failed. */
async function run(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command(command, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    return success ? undefined : new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `there is no ${command}`;
    throw error;
  }
}
