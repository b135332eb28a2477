/**
 * Finds a Chromium for the tests: an installed one, or one that apt-get installs when we are root.
 *
 * @module
 */

/** The variable that names the one to take. */
export const CHROMIUM_VARIABLE = "TEST_CHROMIUM";

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/** The path of one; undefined if there is none and none can be installed. */
export async function provideChromium(): Promise<string | undefined> {
  return await findChromium() ?? (await installChromium() ? await findChromium() : undefined);
}

async function findChromium(): Promise<string | undefined> {
  const directories = (Deno.env.get("PATH") ?? "").split(":");
  const candidates = [
    Deno.env.get(CHROMIUM_VARIABLE) ?? "",
    ...PROGRAMS.flatMap((program) => directories.map((directory) => `${directory}/${program}`)),
    MAC,
  ];
  for (const path of candidates.filter((path) => path !== "")) {
    if ((await Deno.stat(path).catch(() => undefined))?.isFile) return path;
  }
}

async function installChromium(): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  // The fonts are for the scripts that the tests write in.
  const packages = ["chromium", "fonts-dejavu-core", "fonts-noto-core"];
  return await run("apt-get", ["update", "-qq"]) &&
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages]);
}

async function run(program: string, args: string[]): Promise<boolean> {
  const command = new Deno.Command(program, {
    args,
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  return await command.output().then(({ success }) => success, () => false);
}
