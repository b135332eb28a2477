// File descriptors: each file and each connection takes one, and a process may have so many
// (`ulimit -n`).

import { isOutOfDescriptors } from "../async/mod.ts";

/** What is left is counted up to here: what the limit is, Deno does not tell. */
export const MOST_LEFT = 64;

/** How many are in use; undefined where there is no such folder, or no right to read it. */
export function countOpenFds(): number | undefined {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return undefined;
  }
}

/** How many more can be had, up to `most`; undefined where that can't be tried. */
export function countLeftFds(most: number = MOST_LEFT): number | undefined {
  const taken: Deno.FsFile[] = [];
  try {
    while (taken.length < most) taken.push(Deno.openSync("/dev/null"));
  } catch (error) {
    if (!isOutOfDescriptors(error)) return undefined;
  } finally {
    for (const file of taken) file.close();
  }
  return taken.length;
}
