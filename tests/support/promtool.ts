/**
 * Prometheus's own checker, of Debian's.
 *
 * @module
 */

/** Runs `promtool` on files that are made of `files`, or on `input`. Answers what it said, if bad. */
export async function promtool(
  args: readonly string[],
  { files = {}, input = "" }: {
    readonly files?: Readonly<Record<string, string>>;
    readonly input?: string;
  },
): Promise<string | undefined> {
  const folder = await Deno.makeTempDir({ prefix: "turn-channels-promtool-" });
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const process = new Deno.Command("promtool", {
      args: [...args],
      cwd: folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { success, stdout, stderr } = await process.output();
    const said = `${new TextDecoder().decode(stdout)}${new TextDecoder().decode(stderr)}`;
    // What it would have otherwise, it says and ends well.
    return success && !/lint|should/i.test(said) ? undefined : said;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
