/**
 * Images of containers, by buildah and without a registry.
 *
 * @module
 */

import { run } from "../support/install.ts";
import { CONFIG, succeed } from "./packages.ts";

/** A store of images that is thrown away. */
export class Images implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Why none can be run here, if none can. */
  static async missing(): Promise<string | undefined> {
    const { success, output } = await run("unshare", ["--mount", "--net", "ip", "link"]);
    return success ? undefined : `no namespaces: ${output}`;
  }

  static async open(): Promise<Images> {
    return new Images(await Deno.makeTempDir({ prefix: "turn-channels-images-" }));
  }

  /** Makes of a folder the image that ours is built from, in place of the one that a registry has. */
  async addBase(tree: string): Promise<void> {
    await succeed("tar", "--directory", tree, "-cf", `${this.#folder}/base.tar`, ".");
    const container = await this.#buildah("from", "scratch");
    await this.#buildah("add", "--quiet", container, `${this.#folder}/base.tar`, "/");
    await this.#buildah("commit", "--quiet", container, "localhost/base");
  }

  /** Builds ours, by the Containerfile in this folder. */
  async build(dist: string): Promise<void> {
    const flags = ["--quiet", "--format=docker", "--isolation=chroot", "--pull-never"];
    const args = ["--build-arg=BASE=localhost/base", "--tag=localhost/bridge", dist];
    await this.#buildah("build", ...flags, ...args);
  }

  /**
   * Runs it as the image says, on a root that can't be written to and with a network of its own. Returns
   * what its health check says before, meanwhile and after, and about the process.
   */
  async runReadOnly(): Promise<readonly string[]> {
    const about = JSON.parse(await this.#buildah("inspect", "--type=image", "localhost/bridge"));
    const { User, Env, Entrypoint, Cmd, Healthcheck: { Test: [, ...health] }, Volumes } =
      about.Docker.config;
    const root = await this.#buildah("mount", await this.#buildah("from", "localhost/bridge"));
    const [config, log] = [`${this.#folder}/config`, `${this.#folder}/log`];
    await Deno.mkdir(config);
    await Deno.writeTextFile(`${config}/config.yaml`, CONFIG);
    await Deno.writeTextFile(`${config}/token`, "one");
    const script = `
      exec 2>&1; set -e
      mkdir -p ${root}/etc/turn-channels
      mount --rbind ${root} /mnt; mount -o remount,bind,ro /mnt; cd /mnt
      mount --bind ${config} etc/turn-channels
      for volume in ${Object.keys(Volumes).join(" ")}; do
        mount --bind ${root}$volume .$volume
      done
      mount -t proc proc proc; mount --bind /dev dev; ip link set lo up
      inside() { exec chroot --userspec=${User} . env -i ${quoted(Env)} "$@"; }
      health() { if (inside ${
      quoted(health)
    }) >${log}.health 2>&1; then echo healthy $1; else echo unhealthy $1; fi; }
      ! touch usr/written 2>/dev/null
      health before
      inside ${quoted(Entrypoint)} ${quoted(Cmd)} >${log} 2>&1 & pid=$!
      for n in $(seq 600); do if grep -q Bridging ${log}; then break; fi; sleep 0.1; done
      health during
      echo uid $(stat -c %u /proc/$pid)
      kill $pid; wait $pid; echo ended with $?
      health after
    `;
    const said = await succeed("unshare", "--mount", "--net", "bash", "-c", script);
    return said.trim().split("\n");
  }

  async #buildah(...args: readonly string[]): Promise<string> {
    const store = [`--root=${this.#folder}/store`, `--runroot=${this.#folder}/run`];
    return await succeed("buildah", ...store, ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#buildah("umount", "--all");
    // What its storage driver has mounted itself goes too.
    const mounts = await Deno.readTextFile("/proc/mounts");
    for (const [, path = ""] of mounts.matchAll(/^\S+ (\S+)/gm)) {
      if (path.startsWith(`${this.#folder}/`)) await succeed("umount", path);
    }
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}
