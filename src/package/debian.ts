// The package for Debian and what descends from it, made by dpkg-deb alone.

import { copy, run } from "./run.ts";

interface DebianOptions {
  /** What the archive holds. */
  readonly tree: string;
  /** Where the scripts that dpkg runs are. */
  readonly files: string;
  /** For what is needed on the way. */
  readonly folder: string;
  /** Where the package goes. */
  readonly dist: string;
  readonly version: string;
  /** Seconds since 1970. */
  readonly epoch: number;
}

const DOC = "usr/share/doc/turn-channels";
const SCRIPTS = ["postinst", "prerm", "postrm"];
const ARCHITECTURES = { x86_64: "amd64", aarch64: "arm64" } as const;

/** Makes the package; returns its name, or undefined where there is no dpkg-deb. */
export async function debianPackage(options: DebianOptions): Promise<string | undefined> {
  const { tree, files, folder, dist, version, epoch } = options;
  if (!await hasDpkgDeb()) return undefined;
  const root = `${folder}/deb`;
  const put = async (name: string, to: string, mode: string): Promise<void> => {
    await run("install", ["-D", "-m", mode, `${tree}/${name}`, `${root}/${to}`]);
  };
  await put("turn-channels", "usr/bin/turn-channels", "755");
  await put("turn-channels.service", "usr/lib/systemd/system/turn-channels.service", "644");
  await put("config.yaml", "etc/turn-channels/config.yaml", "600");
  await put("turn-channels.1", "usr/share/man/man1/turn-channels.1", "644");
  await put("LICENSE", `${DOC}/copyright`, "644");
  await put("CHANGELOG.md", `${DOC}/CHANGELOG.md`, "644");
  for (const name of ["README.md", "config.example.json", "config.schema.json"]) {
    await put(name, `${DOC}/${name}`, "644");
  }
  await put("turn-channels.cdx.json", `${DOC}/turn-channels.cdx.json`, "644");
  await copy(`${tree}/docs`, `${root}/${DOC}`);
  await run("gzip", ["-9n", `${root}/usr/share/man/man1/turn-channels.1`]);
  const architecture = ARCHITECTURES[Deno.build.arch as keyof typeof ARCHITECTURES];
  const size = /^\d+/.exec(await run("du", ["-sk", root]))?.[0] ?? "0";
  await Deno.mkdir(`${root}/DEBIAN`);
  await Deno.writeTextFile(`${root}/DEBIAN/control`, control(version, architecture, size));
  await Deno.writeTextFile(`${root}/DEBIAN/conffiles`, "/etc/turn-channels/config.yaml\n");
  for (const script of SCRIPTS) {
    await run("install", ["-m", "755", `${files}/${script}`, `${root}/DEBIAN/${script}`]);
  }
  // Whatever the umask was.
  await run("chmod", ["-R", "u=rwX,go=rX", root]);
  await run("chmod", ["600", `${root}/etc/turn-channels/config.yaml`]);
  const name = `turn-channels_${version}_${architecture}.deb`;
  // gzip: xz takes a minute, for a third less; and any dpkg can read it.
  const flags = ["--root-owner-group", "-Zgzip", "-z6", "--build", root, `${dist}/${name}`];
  await run("dpkg-deb", flags, { env: { SOURCE_DATE_EPOCH: String(epoch) } });
  return name;
}

async function hasDpkgDeb(): Promise<boolean> {
  try {
    return (await new Deno.Command("dpkg-deb", { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function control(version: string, architecture: string, size: string): string {
  return `Package: turn-channels
Version: ${version}
Architecture: ${architecture}
Maintainer: The turn-channels authors <turn-channels@localhost>
Installed-Size: ${size}
Depends: libc6 (>= 2.28), libgcc-s1
Recommends: systemd
Section: net
Priority: optional
Description: bridge between Turn's Channels API and vumi's queues
 Organisations hold conversations in Turn; vumi2's transports reach the users
 who have SMS and USSD only. This carries messages between the two: Turn's
 Channels API over HTTP on one side, vumi's queues on RabbitMQ on the other.
`;
}
