// The software bill of materials, in CycloneDX: the packages that are compiled in, as deno.lock has
// them, and the runtime.

import { Buffer } from "node:buffer";
import manifest from "../../deno.json" with { type: "json" };

interface SbomOptions {
  /** What deno.lock has under `npm`. */
  readonly packages: Packages;
  /** Names of packages, as the program's sources import them. */
  readonly imported: Iterable<string>;
  readonly commit: string;
  /** Of the runtime. */
  readonly deno: string;
  /** Seconds since 1970. */
  readonly epoch: number;
}

interface Locked {
  readonly integrity: string;
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
}

type Packages = Readonly<Record<string, Locked>>;

/** The document, as JSON. */
export function sbom({ packages, imported, commit, deno, epoch }: SbomOptions): string {
  const direct = [...imported].map((name) => keyOf(name, packages)).sort();
  const used = new Map<string, readonly string[]>();
  const add = (key: string): void => {
    if (used.has(key)) return;
    const { dependencies = [], optionalDependencies = [] } = locked(key, packages);
    const below = [...dependencies, ...optionalDependencies].map((name) => keyOf(name, packages));
    used.set(key, below);
    below.forEach(add);
  };
  direct.forEach(add);
  const keys = [...used.keys()].sort();
  const root = `pkg:generic/turn-channels@${manifest.version}`;
  const runtime = `pkg:generic/deno@${deno}`;
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      timestamp: new Date(epoch * 1000).toISOString(),
      component: {
        type: "application",
        "bom-ref": root,
        name: "turn-channels",
        version: manifest.version,
        purl: root,
        licenses: [{ license: { id: manifest.license } }],
        properties: [{ name: "commit", value: commit }],
      },
    },
    components: [
      { type: "platform", "bom-ref": runtime, name: "deno", version: deno, purl: runtime },
      ...keys.map((key) => component(key, locked(key, packages))),
    ],
    dependencies: [
      { ref: root, dependsOn: [runtime, ...direct.map(purl)] },
      ...keys.map((key) => ({ ref: purl(key), dependsOn: used.get(key)?.map(purl) ?? [] })),
    ],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function component(key: string, { integrity }: Locked) {
  const hash = integrity.replace(/^sha512-/, "");
  return {
    type: "library",
    "bom-ref": purl(key),
    ...named(key),
    purl: purl(key),
    hashes: [{ alg: "SHA-512", content: Buffer.from(hash, "base64").toString("hex") }],
  };
}

/** The key in deno.lock of a package, which is named with its version only where there are several. */
function keyOf(name: string, packages: Packages): string {
  if (name in packages) return name;
  const imports: Readonly<Record<string, string>> = manifest.imports;
  const exact = imports[name]?.replace(/^npm:/, "");
  const found = Object.keys(packages).find((key) => key === exact || named(key).name === name);
  return found ?? missing(name);
}

function locked(key: string, packages: Packages): Locked {
  return packages[key] ?? missing(key);
}

function missing(name: string): never {
  throw new Error(`deno.lock has no ${name}`);
}

/** `@scope/name@1.2.3_peer@4.5.6` in parts. */
function named(key: string): { name: string; version: string } {
  const [, name = "", version = ""] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
  return { name, version };
}

function purl(key: string): string {
  const { name, version } = named(key);
  return `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
}
