// `deno task package`: makes what is installed, in `dist/` or the folder that is named. The same sources
// and the same Deno give the same files.

import manifest from "../../deno.json" with { type: "json" };
import { compile } from "./compile.ts";
import { debianPackage } from "./debian.ts";
import { manPage } from "./man_page.ts";
import { copy, PackageError, run } from "./run.ts";
import { sbom } from "./sbom.ts";
import { commitOf, epochOf, ROOT } from "./source.ts";

const FILES = `${ROOT}/src/package/files`;

/** Makes all of it in `dist`; `deno compile` gets these flags too. */
async function makePackages(dist: string, compileFlags: readonly string[]): Promise<void> {
  const { version } = manifest;
  const [commit, epoch] = [await commitOf(), await epochOf()];
  await Deno.mkdir(dist, { recursive: true });
  await removeFormer(dist);
  const folder = await Deno.makeTempDir({ prefix: "turn-channels-package-" });
  try {
    const name = `turn-channels-${version}-linux-${Deno.build.arch}`;
    const tree = `${folder}/${name}`;
    await Deno.mkdir(tree);
    const binary = `${tree}/turn-channels`;
    await compileTo(binary, compileFlags);
    const help = (...words: readonly string[]) => run(binary, [...words, "--help"]);
    await Deno.writeTextFile(`${tree}/turn-channels.1`, await manPage({ version, epoch, help }));
    const unit = await run(binary, ["systemd-unit", "--binary=/usr/bin/turn-channels"]);
    await Deno.writeTextFile(`${tree}/turn-channels.service`, unit);
    const { npm: packages } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.lock`));
    const imported = await importedPackages();
    const bom = sbom({ packages, imported, commit, deno: await runtime(), epoch });
    await Deno.writeTextFile(`${tree}/turn-channels.cdx.json`, bom);
    await copy(`${FILES}/config.yaml`, tree);
    for (const file of ["README.md", "CHANGELOG.md", "LICENSE", "docs"]) {
      await copy(`${ROOT}/${file}`, tree);
    }
    for (const file of ["config.example.json", "config.schema.json"]) {
      await copy(`${ROOT}/${file}`, tree);
    }
    const made = [`${name}.tar.gz`, `turn-channels-${version}.cdx.json`];
    await archive(tree, `${dist}/${made[0]}`, epoch);
    await Deno.copyFile(`${tree}/turn-channels.cdx.json`, `${dist}/${made[1]}`);
    const deb = await debianPackage({ tree, files: FILES, folder, dist, version, epoch });
    if (deb === undefined) say("No .deb, as there is no dpkg-deb here: apt-get install dpkg-dev");
    else made.push(deb);
    for (const file of ["Containerfile", "compose.yaml"]) {
      await copy(`${FILES}/${file}`, dist);
      made.push(file);
    }
    const sums = await run("sha256sum", ["--", ...made.sort()], { cwd: dist });
    await Deno.writeTextFile(`${dist}/SHA256SUMS`, sums);
    say(`turn-channels ${version} (commit ${commit}), in ${dist}:`);
    for (const file of [...made, "SHA256SUMS"]) {
      const { size } = await Deno.stat(`${dist}/${file}`);
      say(`  ${(size / 1e6).toFixed(1).padStart(5)} MB  ${file}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Of any version: the Containerfile takes the archive that it finds. */
async function removeFormer(dist: string): Promise<void> {
  for await (const { name } of Deno.readDir(dist)) {
    const isFormer = /^turn-channels[-_]\d.*\.(?:deb|tar\.gz|cdx\.json)$/.test(name);
    if (isFormer) await Deno.remove(`${dist}/${name}`);
  }
}

/** With the flags of `deno task compile`. */
async function compileTo(binary: string, more: readonly string[]): Promise<void> {
  const [, flags = ""] = /compile\.ts (.*)$/.exec(manifest.tasks.compile) ?? [];
  const args = flags.split(" ").map((word) => word === "turn-channels" ? binary : word);
  const { code, said } = await compile(["--quiet", ...more, ...args]);
  if (code !== 0) throw new PackageError(said);
}

async function archive(tree: string, to: string, epoch: number): Promise<void> {
  const [, folder = "", name = ""] = /^(.*)\/([^/]+)$/.exec(tree) ?? [];
  const args = ["--sort=name", `--mtime=@${epoch}`, "--owner=0", "--group=0", "--numeric-owner"];
  const flags = ["--mode=u=rwX,go=rX", "--format=gnu", "--use-compress-program=gzip -n"];
  await run("tar", [...args, ...flags, "-cf", to, "-C", folder, name]);
}

/** The version of the Deno that compiles. */
async function runtime(): Promise<string> {
  const said = await run(Deno.env.get("DENO_COMPILE") || Deno.execPath(), ["--version"]);
  return /^deno ([\d.]+)/.exec(said)?.[1] ?? "unknown";
}

/** What the program's sources import from npm. */
async function importedPackages(folder = `${ROOT}/src`): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (path === `${ROOT}/src/package`) continue;
    if (isDirectory) { for (const found of await importedPackages(path)) names.add(found); }
    if (!name.endsWith(".ts")) continue;
    for (const [, found = ""] of (await Deno.readTextFile(path)).matchAll(/\bfrom "([^"]+)"/g)) {
      if (found in manifest.imports) names.add(found);
    }
  }
  return names;
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  const [dist = `${ROOT}/dist`, ...compileFlags] = Deno.args;
  try {
    await makePackages(dist, compileFlags);
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    Deno.stderr.writeSync(new TextEncoder().encode(`${error.message.trimEnd()}\n`));
    Deno.exit(1);
  }
}
