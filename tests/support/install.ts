/**
 * Brings servers that tests need onto this machine: runs a program, looks for an installed one, and
 * has apt-get install a package.
 *
 * @module
 */

/** What came of a program: whether it ended well, and what it said. */
export interface Outcome {
  readonly success: boolean;
  readonly output: string;
}

/** Runs a program to its end, in `folder` if it is given; one that is not there has failed. */
export async function run(
  program: string,
  args: readonly string[],
  folder?: string,
): Promise<Outcome> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      ...(folder !== undefined && { cwd: folder }),
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { success, output: (decoder.decode(stderr) || decoder.decode(stdout)).trim() };
  } catch (error) {
    return { success: false, output: error instanceof Error ? error.message : String(error) };
  }
}

/** Whether {@linkcode installWithApt} can be tried. */
export function mayInstall(): boolean {
  return Deno.build.os === "linux" && Deno.uid() === 0;
}

/** Installs a package without starting what is in it. Returns what went wrong, or nothing. */
export async function installWithApt(name: string): Promise<string> {
  // Exit code 101 of this script keeps packages from starting the services that they bring.
  const policy = "/usr/sbin/policy-rc.d";
  const ours = await Deno.writeTextFile(policy, "#!/bin/sh\nexit 101\n", {
    createNew: true,
    mode: 0o755,
  }).then(() => true, () => false);
  // Somebody else may be installing just now.
  const patience = ["-o", "DPkg::Lock::Timeout=120"];
  try {
    const update = await run("apt-get", [...patience, "update", "-qq"]);
    const install = await run("apt-get", [
      ...patience,
      ...["install", "-y", "-qq", "--no-install-recommends"],
      name,
    ]);
    if (install.success) return "";
    return update.success ? install.output : `${update.output}\n${install.output}`;
  } finally {
    if (ours) await Deno.remove(policy);
  }
}
