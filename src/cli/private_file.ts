// A file that only its owner can read, from the first moment on.

import { CommandError, EXIT } from "./exit_codes.ts";

/**
 * Makes sure that `path` can be written, but writes nothing yet: the new file gets its name when it is
 * written, and is deleted otherwise. An existing one is replaced only with `force`.
 * @throws {CommandError} If it can't be written.
 */
export async function createPrivateFile(path: string, force: boolean) {
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
      Deno.renameSync(unfinished, path);
      written = true;
    },
    [Symbol.dispose](): void {
      if (!written) Deno.removeSync(unfinished);
    },
  };
}
