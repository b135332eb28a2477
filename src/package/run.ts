// Programs that packaging needs.

/** What somebody who packages has to do something about. */
export class PackageError extends Error {
  override readonly name = "PackageError";
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program to its end; returns what it printed.
 * @throws {PackageError} If it is not there, or fails.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const output = await new Deno.Command(program, { args: [...args], ...options }).output()
    .catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new PackageError(`There is no ${program} here, which packaging needs`);
    });
  const decoder = new TextDecoder();
  if (output.success) return decoder.decode(output.stdout);
  throw new PackageError(`${program} ${args[0] ?? ""} failed: ${decoder.decode(output.stderr)}`);
}

/** Copies a file or a folder into a folder that is there. */
export async function copy(from: string, into: string): Promise<void> {
  await run("cp", ["-R", from, into]);
}
