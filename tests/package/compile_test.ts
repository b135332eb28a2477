/**
 * `deno task compile` where the runtime that goes into the program can't be had.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const COMPILE = fileURLToPath(new URL("../../src/package/compile.ts", import.meta.url));

/** What compiling an empty program says, without a network and with nothing downloaded before. */
async function compile(variables: Readonly<Record<string, string>>) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/empty.ts`, "");
    const { PATH = "", HOME = "" } = Deno.env.toObject();
    const args = ["run", "--no-check", "--allow-all", COMPILE];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...args, "--output", `${folder}/program`, `${folder}/empty.ts`],
      clearEnv: true,
      env: { PATH, HOME, DENO_DIR: folder, HTTPS_PROXY: "http://127.0.0.1:9", ...variables },
    }).output();
    return { code, said: new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("compile says which file it needs and how to name it, in place of a stack trace", async () => {
  const { code, said } = await compile({});
  assert.notEqual(code, 0);
  const [first = "", ...lines] = said.trimEnd().split("\n");
  assert.equal(
    first,
    "Can't compile: the runtime that goes into the program, denort, can't be had.",
  );
  const rest = lines.join("\n");
  assert.match(rest, new RegExp(`https://\\S+/v${Deno.version.deno}/denort-[\\w-]+\\.zip`));
  assert.match(rest, /DENORT_BIN=\/path\/to\/denort deno task compile/);
  assert.doesNotMatch(said, /backtrace|unknown>/i);
  for (const line of lines) assert.ok(line.length <= 100, line);
});

Deno.test("compile says so where DENORT_BIN names no file", async () => {
  const { code, said } = await compile({ DENORT_BIN: "/nowhere/denort" });
  assert.notEqual(code, 0);
  assert.match(said, /\/nowhere\/denort/);
  assert.doesNotMatch(said, /backtrace|unknown>/i);
});
