// `deno task compile`: `deno compile` with these arguments and the commit in it. Where the runtime that
// goes into the program can't be had, it says what to do.

import { commitOf, ROOT } from "./source.ts";

/** More than Rust's own, which Deno 2.6 needs for prom-client. */
const STACK_BYTES = 8 * 1024 * 1024;

/** Runs `deno compile`; returns the exit code, and what there is to say. */
export async function compile(args: readonly string[]): Promise<{ code: number; said: string }> {
  const deno = Deno.env.get("DENO_COMPILE") || Deno.execPath();
  const folder = await Deno.makeTempDir();
  try {
    const variables = `${folder}/env`;
    await Deno.writeTextFile(variables, `TURN_CHANNELS_COMMIT=${await commitOf()}\n`);
    const { code, stderr } = await new Deno.Command(deno, {
      args: ["compile", "--no-lock", `--env-file=${variables}`, ...args],
      cwd: ROOT,
      env: { RUST_MIN_STACK: String(STACK_BYTES), NO_COLOR: "1" },
      stdout: "inherit",
      stderr: "piped",
    }).output();
    const said = new TextDecoder().decode(stderr);
    return { code, said: code === 0 ? said : explain(said) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What `deno compile` said when it failed, for somebody who is to mend it. */
function explain(said: string): string {
  const plain = said.replace(/\n+Stack backtrace:[^]*$/, "\n");
  const [url] = /https:\/\/\S+\/denort-[^\s)]+/.exec(plain) ?? [];
  const [missing] = /Could not find denort at .*/.exec(plain) ?? [];
  if (url === undefined && missing === undefined) return plain;
  const [, last = "it can't be reached"] = /(?:^|\n) *\d+: (.*)\n*$/.exec(plain) ?? [];
  return `Can't compile: the runtime that goes into the program, denort, can't be had.
  ${missing ?? `${url}:\n  ${last}`}
Do one of these:
- let this machine reach dl.deno.land; HTTPS_PROXY may name a proxy
- fetch that file on another machine, unpack it, and say where denort is:
    DENORT_BIN=/path/to/denort deno task compile
  It has to be of the same version as the Deno that compiles.
`;
}

if (import.meta.main) {
  const { code, said } = await compile(Deno.args);
  await Deno.stderr.write(new TextEncoder().encode(said));
  Deno.exit(code);
}
