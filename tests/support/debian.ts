/**
 * Programs that a test needs and Debian has: looked for, else installed with apt-get when we are root.
 *
 * @module
 */

import { installWithApt, mayInstall, run } from "./install.ts";

/** Answers why `command` can't be had, undefined if it can; it is tried with `tryOut`. */
export async function missingCommand(
  command: string,
  packageName: string,
  tryOut = "--version",
): Promise<string | undefined> {
  if ((await run(command, [tryOut])).success) return undefined;
  if (!mayInstall()) {
    return `${command} is not installed, and apt-get is only tried on Linux as root`;
  }
  const fault = await installWithApt(packageName);
  if ((await run(command, [tryOut])).success) return undefined;
  return `apt-get install ${packageName}: ${
    fault.split("\n").at(-1) || `it brought no ${command}`
  }`;
}
