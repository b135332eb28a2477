/**
 * Programs that a test needs and Debian has: looked for, else installed with apt-get when we are root.
 *
 * @module
 */

/** Answers why `command` can't be had, undefined if it can; it is tried with `--version`. */
export async function missingCommand(
  command: string,
  packageName: string,
): Promise<string | undefined> {
  if (await succeeds(command, ["--version"])) return undefined;
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
    return `${command} is not installed, and apt-get is only tried on Linux as root`;
  }
  await succeeds("apt-get", ["update", "-qq"]); // Without it the lists here may still do.
  await succeeds("apt-get", ["install", "-y", "-qq", "--no-install-recommends", packageName]);
  if (await succeeds(command, ["--version"])) return undefined;
  return `apt-get could not install ${packageName}`;
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
      env: { DEBIAN_FRONTEND: "noninteractive" },
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
