/**
 * A small Debian in a folder, to install packages in: made once by mmdebstrap, kept in the user's cache,
 * and used below a layer of its own that is thrown away.
 *
 * @module
 */

import { missingCommand } from "./debian.ts";
import { type Outcome, run } from "./install.ts";

const SUITE = "bookworm";
const MIRROR = "http://deb.debian.org/debian";

/** The tree's folder, or why there can be none. */
export type FoundTree = { readonly path: string } | { readonly missing: string };

/** Finds it, or makes it, which takes half a minute; and tries whether it can be used. */
export async function findDebianTree(): Promise<FoundTree> {
  const found = await findOrMake();
  if ("missing" in found) return found;
  try {
    await using tree = await DebianTree.mount(found.path);
    const { success, output } = await tree.shell("true");
    return success ? found : { missing: `nothing runs in it: ${output}` };
  } catch (error) {
    return { missing: `it can't be mounted: ${error instanceof Error ? error.message : error}` };
  }
}

async function findOrMake(): Promise<FoundTree> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return { missing: "only root can make it" };
  const home = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME")}/.cache`;
  const path = `${home}/turn-channels-tests/debian-${SUITE}-systemd`;
  if (await Deno.stat(path).then(() => true, () => false)) return { path };
  const missing = await missingCommand("mmdebstrap", "mmdebstrap");
  if (missing !== undefined) return { missing };
  const unfinished = `${path}.${crypto.randomUUID().slice(0, 8)}`;
  await Deno.mkdir(unfinished, { recursive: true });
  const flags = ["--quiet", "--variant=minbase", "--include=systemd,systemd-sysv"];
  const made = await run("mmdebstrap", [...flags, SUITE, unfinished, MIRROR]);
  // Somebody else may have been faster.
  if (made.success) await Deno.rename(unfinished, path).catch(() => undefined);
  await run("rm", ["-rf", unfinished]);
  if (made.success) return { path };
  return { missing: `mmdebstrap: ${made.output.split("\n").at(-1)}` };
}

/** The tree with a layer above it, which takes what is changed. */
export class DebianTree implements AsyncDisposable {
  readonly #layer: string;
  /** Where it is mounted. */
  readonly path: string;

  private constructor(layer: string) {
    this.#layer = layer;
    this.path = `${layer}/tree`;
  }

  /** @throws {Error} If it can't be mounted. */
  static async mount(below: string): Promise<DebianTree> {
    const layer = await Deno.makeTempDir({ prefix: "turn-channels-tree-" });
    for (const name of ["tree", "upper", "work"]) await Deno.mkdir(`${layer}/${name}`);
    const layers = `lowerdir=${below},upperdir=${layer}/upper,workdir=${layer}/work`;
    const tree = new DebianTree(layer);
    const mounted = await run("mount", ["-t", "overlay", "-o", layers, "overlay", tree.path]);
    if (!mounted.success) {
      await Deno.remove(layer, { recursive: true });
      throw new Error(mounted.output);
    }
    return tree;
  }

  /** Runs a script of the shell in it, without systemd. */
  async shell(script: string): Promise<Outcome> {
    // A compiled program finds itself in /proc.
    const all = `exec 2>&1; mount -t proc proc /proc; ${script}`;
    return await run("unshare", ["--mount", "chroot", this.path, "/bin/sh", "-c", all]);
  }

  /**
   * Starts systemd in it, has it run a script and stop; returns what the script printed, or undefined if
   * systemd did not come to it.
   */
  async boot(script: string): Promise<string | undefined> {
    const log = "/root/script.log";
    await Deno.writeTextFile(`${this.path}/root/script`, `exec >${log} 2>&1\n${script}`);
    const unit = "[Service]\nType=oneshot\nExecStart=/bin/sh /root/script\n" +
      "ExecStopPost=/bin/systemctl poweroff --force\n[Install]\nWantedBy=multi-user.target\n";
    await Deno.writeTextFile(`${this.path}/etc/systemd/system/script.service`, unit);
    await this.shell("systemctl enable script.service");
    // A machine that does not end, ends.
    await run("timeout", [
      ...["--signal=KILL", "120", "systemd-nspawn", "--quiet", "--register=no", "--keep-unit"],
      ...["--private-network", `--directory=${this.path}`, "--boot", "--console=pipe"],
    ]);
    return await Deno.readTextFile(`${this.path}${log}`).catch(() => undefined);
  }

  /** Throws the layer away. */
  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", [this.path]);
    await Deno.remove(this.#layer, { recursive: true });
  }
}
