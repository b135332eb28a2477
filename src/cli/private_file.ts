// A file that only its owner can read, from the first moment on.

import { dirname } from "node:path";
import { messageOf } from "../async/mod.ts";
import { CommandError, EXIT } from "./exit_codes.ts";

/**
 * Makes sure that `path` can be written, but writes nothing yet: the new file gets its name when it is
 * written, and is deleted otherwise. An existing one is replaced only with `force`. It is its owner's
 * alone, unless it is to be `like` another; it is made so here, and is open from here on, so that nothing
 * of that can fail when it is written.
 * @throws {CommandError} If it can't be written.
 */
export async function createPrivateFile(path: string, force: boolean, like?: Deno.FileInfo) {
  // A file that can't be examined counts as one that exists, and must not be replaced.
  const exists = (): Promise<boolean> =>
    Deno.lstat(path).then(() => true, (error) => !(error instanceof Deno.errors.NotFound));
  if (!force && await exists()) {
    throw new CommandError(EXIT.unavailable, `${path} exists; --force replaces it`);
  }
  if (await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false)) {
    throw new CommandError(EXIT.unavailable, `Cannot write ${path}: it is a folder; name a file`);
  }
  const unfinished = `${path}.${crypto.randomUUID().slice(0, 8)}`;
  const reasonOf = (error: unknown) => error instanceof Error ? error.name : String(error);
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(unfinished, { write: true, createNew: true, mode: 0o600 });
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? `there is no folder ${dirname(path)}`
      : reasonOf(error);
    throw new CommandError(EXIT.unavailable, `Cannot write ${path}: ${reason}`);
  }
  try {
    if (like !== undefined) makeLike(unfinished, like);
  } catch (error) {
    file.close();
    Deno.removeSync(unfinished);
    const fix = `run this as its owner, user ${like?.uid}, or as root`;
    const what = `Cannot give the new ${path} the owner, group and mode of the old one`;
    throw new CommandError(EXIT.unavailable, `${what}: ${reasonOf(error)}; ${fix}`);
  }
  let written = false;
  return {
    write(text: string): void {
      const bytes = new TextEncoder().encode(text);
      try {
        for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
        Deno.renameSync(unfinished, path);
      } catch (error) {
        throw new CommandError(EXIT.unavailable, `Cannot write ${path}: ${messageOf(error)}`);
      }
      written = true;
    },
    [Symbol.dispose](): void {
      file.close();
      if (!written) Deno.removeSync(unfinished);
    },
  };
}

/** The owner first: until then others could open the file who may not read it later. */
function makeLike(path: string, { uid, gid, mode }: Deno.FileInfo): void {
  const own = Deno.statSync(path);
  if (uid !== own.uid || gid !== own.gid) Deno.chownSync(path, uid, gid);
  if (mode) Deno.chmodSync(path, mode & 0o777);
}
