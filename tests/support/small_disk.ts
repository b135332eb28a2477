/**
 * A disk that can be full: a small tmpfs, for which the tests must run as root.
 *
 * @module
 */

/** Why there is no such disk, for the name of an ignored test, if there is none. */
export async function noSmallDisk(): Promise<string | undefined> {
  try {
    await using _disk = await SmallDisk.mount();
    return undefined;
  } catch (error) {
    return `a small disk can't be mounted: ${error instanceof Error ? error.message : error}`;
  }
}

/** A mounted disk. */
export class SmallDisk implements AsyncDisposable {
  /** Where it is. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Mounts one of a megabyte, or what is told. */
  static async mount(size = "1m"): Promise<SmallDisk> {
    const disk = new SmallDisk(await Deno.makeTempDir({ prefix: "turn-channels-disk-" }));
    try {
      await run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", disk.path);
    } catch (error) {
      await Deno.remove(disk.path);
      throw error;
    }
    return disk;
  }

  /** Writes until nothing more goes in. */
  async fill(): Promise<void> {
    using file = await Deno.open(`${this.path}/ballast`, {
      write: true,
      create: true,
      append: true,
    });
    for (const size of [65_536, 1]) {
      try {
        for (;;) await file.write(new Uint8Array(size));
      } catch (error) {
        if (!(error instanceof Error) || !error.message.includes("No space left")) throw error;
      }
    }
  }

  /** Makes room again. */
  async empty(): Promise<void> {
    await Deno.remove(`${this.path}/ballast`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", "--lazy", this.path);
    await Deno.remove(this.path);
  }
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
}
