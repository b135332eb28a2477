// A file that only its owner can read, from the first moment on.

import { CommandError, EXIT } from "./exit_codes.ts";

/**
 * Makes sure that `path` can be written, but writes nothing yet: the new file gets its name when it is
 * written, and is deleted otherwise. An existing one is replaced only with `force`. It is its owner's
 * alone, unless it is to be `like` another.
 * @throws {CommandError} If it can't be written.
 */
export async function createPrivateFile(path: string, force: boolean, like?: Deno.FileInfo) {
  // A file that can't be examined counts as one that exists, and must not be replaced.
  const exists = (): Promise<boolean> =>
    Deno.lstat(path).then(() => true, (error) => !(error instanceof Deno.errors.NotFound));
  if (!force && await exists()) {
    throw new CommandError(EXIT.unavailable, `${path} exists; --force replaces it`);
  }
  const unfinished = `${path}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    Deno.openSync(unfinished, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    const reason = error instanceof Error ? error.name : String(error);
    throw new CommandError(EXIT.unavailable, `Cannot write ${path}: ${reason}`);
  }
  let written = false;
  return {
    write(text: string): void {
      Deno.writeTextFileSync(unfinished, text);
      if (like?.mode) Deno.chmodSync(unfinished, like.mode & 0o777);
      const { uid, gid } = Deno.statSync(unfinished);
      if (like && (like.uid !== uid || like.gid !== gid)) {
        Deno.chownSync(unfinished, like.uid, like.gid);
      }
      Deno.renameSync(unfinished, path);
      written = true;
    },
    [Symbol.dispose](): void {
      if (!written) Deno.removeSync(unfinished);
    },
  };
}
