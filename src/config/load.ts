/**
 * Loads the configuration in layers: the file, over it the environment, over it the flags. Each key
 * is looked up in all three, so groups are merged key by key, as vumi2 does it.
 *
 * @module
 */

import type * as z from "zod";
import type { Fault, Warning } from "./faults.ts";
import { type FileReading, isTree, readConfigFile, type Tree } from "./file.ts";
import { type ConfigKey, configKeys } from "./keys.ts";
import { showFaulty } from "./redaction.ts";
import { type Config, parseConfig } from "./schema.ts";
import { unknownFileKeys, unknownVariables } from "./unknown.ts";

/** Where the configuration comes from. */
export interface LoadOptions {
  /** Values of flags by their names without the dashes before them, `config` for the file. */
  readonly flags: Readonly<Record<string, string>>;
  /** The environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Reads a file as text; Deno's, unless given. */
  readonly readTextFile?: (path: string) => Promise<string>;
}

/** What became of loading. */
export type LoadedConfig =
  | {
    readonly kind: "ok";
    readonly config: Config;
    readonly warnings: readonly Warning[];
    /** For each key by its path: the file, variable or flag, or "default". */
    readonly sources: Readonly<Record<string, string>>;
  }
  | {
    readonly kind: "faulty";
    readonly faults: readonly Fault[];
    readonly warnings: readonly Warning[];
  };

/** A key with what was given for it, if anything. */
interface Entry {
  readonly key: ConfigKey;
  readonly value: unknown;
  readonly source: string | undefined;
}

/** Loads the configuration. Never throws for what is in it: all faults are found at once. */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { flags, env } = options;
  const prefix = env.VUMI_CONFIG_PREFIX ? `${env.VUMI_CONFIG_PREFIX.toUpperCase()}_` : "";
  const file = namedFile(options);
  const reading: FileReading = file ? await readConfigFile(file) : { kind: "ok", tree: {} };
  const tree = reading.kind === "ok" ? reading.tree : {};
  const fileSource = `file ${file?.path}`;
  const entries = configKeys().map((key): Entry => {
    const { path, flag, env: variable } = key;
    const [layer, value] = [
      [`flag --${flag}`, flags[flag]],
      [`environment variable ${prefix}${variable}`, env[prefix + variable]],
      [fileSource, lookUp(tree, path)],
    ].find(([, value]) => value !== undefined && value !== null) ?? [];
    return { key, value, source: layer as string | undefined };
  });
  const warnings = [
    ...unknownFileKeys(tree, fileSource),
    ...unknownVariables(Object.keys(env), prefix),
    ...unsupported(entries),
  ];
  const read = parseConfig(treeOf(entries));
  const faults = [
    ...(reading.kind === "faulty" ? [reading.fault] : []),
    ...noGroups(tree, fileSource),
    ...valueFaults(read, entries, prefix, reading.kind),
  ];
  if (!read.success || faults.length > 0) return { kind: "faulty", faults, warnings };
  const sources = entries.map(({ key, source }) => [key.path, source ?? "default"]);
  return { kind: "ok", config: read.data, warnings, sources: Object.fromEntries(sources) };
}
