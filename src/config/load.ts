/**
 * Loads the configuration: reads the file, lays the layers over each other, and answers with a
 * valid configuration or with all its faults.
 *
 * @module
 */

import type * as z from "zod";
import {
  type Channel,
  channelsOf,
  clashes,
  nameFault,
  withoutRepeats,
  withOwnSource,
} from "./channels.ts";
import type { Fault, Warning } from "./faults.ts";
import { type FileOptions, type FileReading, readConfigFile } from "./file.ts";
import { type Entry, groupFaults, layered, type Layers, treeOf } from "./layers.ts";
import { showFaulty } from "./redaction.ts";
import { withSecretFiles } from "./secret_files.ts";
import { type ChannelConfig, type Config, parseConfig } from "./schema.ts";
import { type ReadFile, readFromDisk } from "./text_file.ts";
import { unknownFileKeys, unknownVariables } from "./unknown.ts";

/** Where the configuration comes from. */
export interface LoadOptions {
  /** Values of flags by their names without the dashes before them; `config` names the file. */
  readonly flags: Readonly<Record<string, string>>;
  /** The environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Reads a file, up to so many bytes; from the disk unless given. */
  readonly readFile?: (path: string, maxBytes: number) => Promise<Uint8Array>;
}

/** What became of loading. */
export type LoadedConfig =
  | {
    readonly kind: "ok";
    readonly config: Config;
    readonly warnings: readonly Warning[];
    /** For each key, by its path: the file, variable or flag it came from, or "default". */
    readonly sources: Readonly<Record<string, string>>;
  }
  | {
    readonly kind: "faulty";
    readonly faults: readonly Fault[];
    readonly warnings: readonly Warning[];
  };

/** Loads the configuration. Never throws for what is in it: it answers with all faults at once. */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { flags, env, readFile = readFromDisk } = options;
  const named = fileName(options, readFile);
  const file: FileReading = named ? await readConfigFile(named) : { kind: "ok", tree: {} };
  const layers: Layers = {
    tree: file.kind === "ok" ? file.tree : {},
    fileSource: `file ${named?.path ?? ""}`,
    env,
    prefix: env.VUMI_CONFIG_PREFIX ? `${env.VUMI_CONFIG_PREFIX.toUpperCase()}_` : "",
    flags,
  };
  const channels = channelsOf(layers);
  const warnings = [...warningsOf(layers), ...channels.flatMap((channel) => channel.warnings)];
  const read = await Promise.all(
    channels.map((channel) => readChannel(channel, readFile, file.kind === "ok")),
  );
  const faults = [
    ...(file.kind === "faulty" ? [file.fault] : []),
    ...groupFaults(layers),
    ...withoutRepeats(read.flatMap((one) => one.faults)),
    ...clashes(read.flatMap(({ config }) => config ?? [])),
  ];
  const [first] = read;
  const configs = read.flatMap(({ config }) => config ?? []);
  if (first?.config === undefined || faults.length > 0) return { kind: "faulty", faults, warnings };
  const config = { ...first.config, channels: configs };
  return { kind: "ok", config, warnings, sources: Object.fromEntries(first.sources) };
}

/** What became of reading one channel. */
interface ReadChannel {
  readonly config: ChannelConfig | undefined;
  readonly faults: readonly Fault[];
  readonly sources: readonly (readonly [string, string])[];
}

async function readChannel(
  { layers, name, own, faults: ownFaults }: Channel,
  readFile: ReadFile,
  isFileRead: boolean,
): Promise<ReadChannel> {
  const written = layered(layers).map((entry) => withOwnSource(entry, layers, name, own));
  const { entries, faults: fileFaults, missing } = await withSecretFiles(written, readFile);
  const read = parseConfig(treeOf(entries));
  const faults = [
    ...ownFaults,
    ...fileFaults,
    ...valueFaults(read.error?.issues ?? [], entries, layers.prefix)
      // What is missing may be in the file that could not be read.
      .filter(({ value }) => isFileRead || value !== undefined)
      .filter(({ key }) => !missing.has(key)),
  ];
  return {
    config: read.data,
    faults: faults.map((fault) => nameFault(fault, name, own)),
    sources: entries.map(({ key, source }) => [key.path, source ?? "default"]),
  };
}

function fileName({ flags, env }: LoadOptions, readFile: ReadFile): FileOptions | undefined {
  if (flags.config !== undefined) {
    return { path: flags.config, source: "flag --config", readFile };
  }
  const path = env.VUMI_CONFIG_FILE;
  if (!path) return undefined;
  return { path, source: "environment variable VUMI_CONFIG_FILE", readFile };
}

function warningsOf(layers: Layers): readonly Warning[] {
  const { tree, fileSource, env, prefix } = layers;
  const sentry = layered(layers).find(({ key }) => key.path === "sentry_dsn");
  return [
    ...unknownFileKeys(tree, fileSource),
    ...unknownVariables(Object.keys(env), prefix),
    ...(sentry?.value
      ? [{
        key: "sentry_dsn",
        message: `sentry_dsn from ${sentry.source} has no effect, errors are only in the logs`,
      }]
      : []),
  ];
}

/** One fault for each faulty key, however many rules it breaks. */
function valueFaults(
  issues: readonly z.core.$ZodIssue[],
  entries: readonly Entry[],
  prefix: string,
): readonly Fault[] {
  return entries.flatMap((entry) => {
    const issue = issues.find(({ path }) => `${path.join(".")}.`.startsWith(`${entry.key.path}.`));
    return issue === undefined ? [] : [fault(issue, entry, prefix)];
  });
}

/** Only texts of our own are shown: zod's quote the value. */
function fault(issue: z.core.$ZodIssue, { key, value, source }: Entry, prefix: string): Fault {
  const own: unknown = issue.code === "custom" ? issue.params?.expected : undefined;
  const needed = key.required && (value === undefined || value === "");
  return {
    key: key.path,
    value: showFaulty(key, value),
    expected: typeof own === "string" ? own : needed ? `required: ${key.type}` : key.type,
    source: source ?? "nowhere; set it in the file, " +
        `as ${prefix}${key.env} in the environment, or by --${key.flag}`,
  };
}
