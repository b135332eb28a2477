// What is packaged: its commit and its time, by git where this is a clone.

import { fileURLToPath } from "node:url";

const root = new URL("../..", import.meta.url);
/** The repository's folder. */
export const ROOT = fileURLToPath(root).replace(/\/$/, "");

/**
 * The commit, with `-changed` if files differ from it; `TURN_CHANNELS_COMMIT` where it is set, which is
 * for sources without git; else `unknown`.
 */
export async function commitOf(): Promise<string> {
  const given = Deno.env.get("TURN_CHANNELS_COMMIT") ?? "";
  if (/^[\w.-]{1,64}$/.test(given)) return given;
  const commit = await git("rev-parse", "--short=12", "HEAD");
  if (commit === undefined) return "unknown";
  const changes = await git("status", "--porcelain", "--untracked-files=no");
  return changes === "" ? commit : `${commit}-changed`;
}

/** Seconds since 1970 that stand for when it was made: the same sources give the same files. */
export async function epochOf(): Promise<number> {
  const given = Deno.env.get("SOURCE_DATE_EPOCH") || await git("log", "-1", "--format=%ct");
  const epoch = Number(given);
  return given !== undefined && Number.isSafeInteger(epoch) && epoch >= 0
    ? epoch
    : Math.floor(Date.now() / 1000);
}

async function git(...args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("git", { args: ["-C", ROOT, ...args] })
      .output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
