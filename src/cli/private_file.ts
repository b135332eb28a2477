/**
 * A file that only its owner can read, from the first moment on.
 *
 * @module
 */

/** A new file that gets its name when it is written, and is deleted otherwise. */
interface PrivateFile extends Disposable {
  write(text: string): void;
}

/**
 * Makes sure that `path` can be written, but writes nothing yet. An existing file is replaced only with
 * `force`, and only when the new one is complete. Returns the reason as text if it can't be written.
 */
export async function createPrivateFile(
  path: string,
  force: boolean,
): Promise<PrivateFile | string> {
  if (!force && await exists(path)) return `${path} exists; --force replaces it`;
  const unfinished = `${path}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    Deno.openSync(unfinished, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    return `Cannot write ${path}: ${error instanceof Error ? error.name : String(error)}`;
  }
  let written = false;
  return {
    write(text): void {
      Deno.writeTextFileSync(unfinished, text);
      Deno.renameSync(unfinished, path);
      written = true;
    },
    [Symbol.dispose](): void {
      if (!written) Deno.removeSync(unfinished);
    },
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    return true; // A file that can't be examined must not be replaced.
  }
}
