// Loads the configuration: reads the file, merges the layers, and returns a valid configuration or all
// its faults.

import type * as z from "zod";
import { amqpUrls } from "./addresses.ts";
import { type ChannelLayers, channelsOf, clashes, nameFault } from "./channels.ts";
import type { Fault, Warning } from "./faults.ts";
import { readConfigFile } from "./file.ts";
import { isPublic } from "./keys.ts";
import {
  faultOf,
  groupFaults,
  layered,
  type Layers,
  namesOf,
  type Setting,
  treeOf,
} from "./layers.ts";
import { type ConfigPlace, namedPlace } from "./places.ts";
import { withSecretFiles } from "./secret_files.ts";
import { type Config, configSchema, LONGEST_REQUEST_S } from "./schema.ts";
import { type ReadFile, readFromDisk } from "./text_file.ts";
import { readTlsFiles } from "./tls_files.ts";
import { unknownFileKeys, unknownVariables } from "./unknown.ts";

/** Where the configuration comes from. */
export interface LoadOptions {
  /** Values of flags by their names without the dashes before them; `config` names the file. */
  readonly flags: Readonly<Record<string, string>>;
  /** The environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The file, if none is to be looked for by what flags and environment say. */
  readonly file?: ConfigPlace | undefined;
  /** Reads a file, up to so many bytes; from the disk unless given. */
  readonly readFile?: (path: string, maxBytes: number) => Promise<Uint8Array>;
}

/** The configuration, or what is wrong with it. */
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

/** Loads the configuration. Never throws for what is in it, but returns all faults at once. */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { flags, env, readFile = readFromDisk } = options;
  const { file: place = namedPlace(options) } = options;
  const file = place === undefined
    ? { tree: {}, faults: [], isRead: true }
    : await readConfigFile(place.path, place.source, readFile, isPublic);
  const layers: Layers = {
    tree: file.tree,
    fileSource: `file ${place?.path ?? ""}`,
    env,
    prefix: env.VUMI_CONFIG_PREFIX ? `${env.VUMI_CONFIG_PREFIX.toUpperCase()}_` : "",
    flags,
  };
  const channels = channelsOf(layers);
  const warnings = layerWarnings(layers, channels);
  const read = await Promise.all(
    channels.map((channel) => readChannel(channel, readFile, file.isRead)),
  );
  const tls = await readTlsFiles(read[0]?.settings ?? [], readFile); // All channels have the same.
  const found = read.flatMap((one) => one.faults);
  const told = new Set(file.faults.map(({ key }) => key));
  const isNew = ({ key }: Fault): boolean => !told.has(key);
  const faults = [
    ...file.faults,
    ...groupFaults(layers).filter(isNew),
    // What is wrong with shared keys is found with each channel.
    ...new Map(found.filter(isNew).map((fault) => [JSON.stringify(fault), fault])).values(),
    ...tls.faults,
    ...clashes(read),
  ];
  const configs = read.flatMap(({ config }) => config ?? []);
  const [first] = configs;
  if (first === undefined || faults.length > 0) return { kind: "faulty", faults, warnings };
  const sources = read[0]?.settings.map(({ key, source }) => [key.path, source ?? "default"]) ?? [];
  const isTls = Object.keys(tls.files).length > 0;
  const config = { ...first, channels: configs, ...(isTls && { tlsFiles: tls.files }) };
  return {
    kind: "ok",
    config,
    warnings: [...warnings, ...valueWarnings(config)],
    sources: Object.fromEntries(sources),
  };
}

/** So that the faulty entry of a list is known; `showFaulty` keeps secrets back. */
const WITH_VALUES = { reportInput: true } as const;

async function readChannel(
  { layers, name, faults: ownFaults }: ChannelLayers,
  readFile: ReadFile,
  isFileRead: boolean,
) {
  if (layers === undefined) return { name, config: undefined, settings: [], faults: ownFaults };
  const written = layered(layers);
  const { settings, faults: fileFaults } = await withSecretFiles(written, readFile);
  const { data: config, error } = configSchema.safeParse(treeOf(settings), WITH_VALUES);
  const unread = new Set(fileFaults.map(({ key }) => key));
  const faults = [
    ...fileFaults,
    ...valueFaults(settings, layers.prefix, error)
      // What is missing may be in a file that could not be read.
      .filter(({ value }) => isFileRead || value !== undefined)
      .filter(({ key }) => !unread.has(`${key}_file`)),
  ];
  const named = faults.map((fault) => nameFault(fault, name, written));
  return { name, config, settings, faults: [...ownFaults, ...named] };
}

/** Warns of what is written and has no effect. */
function layerWarnings(layers: Layers, channels: readonly ChannelLayers[]): readonly Warning[] {
  const { tree, fileSource, env, prefix } = layers;
  const sentry = layered(layers).find(({ key, value }) => key.path === "sentry_dsn" && value);
  const channelPrefixes = channels.flatMap(({ layers }) => layers?.channel?.prefix ?? []);
  return [
    ...unknownFileKeys(tree, fileSource),
    ...unknownVariables(Object.keys(env), prefix, channelPrefixes),
    ...sentry === undefined ? [] : [{
      key: "sentry_dsn",
      message: `sentry_dsn from ${sentry.source} has no effect, errors are only in the logs`,
    }],
    ...channels.flatMap(({ warnings }) => warnings),
  ];
}

/** Warns of valid values that have less effect than they seem to have. */
function valueWarnings(config: Config): readonly Warning[] {
  const { amqp, channels } = config;
  const isTlsSet = Object.values(amqp.tls).some((value) => value !== "");
  const isTlsUsed = amqpUrls(config).some((url) => /^amqps:/i.test(url));
  const timeouts = new Set(channels.map(({ request_timeout }) => request_timeout));
  return [
    ...[...timeouts].filter((seconds) => seconds > LONGEST_REQUEST_S).map((seconds) => ({
      key: "request_timeout",
      message: `request_timeout ${seconds} counts as ${LONGEST_REQUEST_S}: ` +
        "Turn waits for 5 seconds",
    })),
    ...isTlsSet && !isTlsUsed ? [{ key: "amqp.tls", message: TLS_UNUSED }] : [],
    ...channels.some(({ partitions }) => partitions > 0)
      ? [{ key: "partitions", message: PARTITIONS_UNUSED }]
      : [],
  ];
}

const TLS_UNUSED = "amqp.tls has no effect: no address in amqp_url is amqps://";
const PARTITIONS_UNUSED =
  "partitions has no effect: one bridge speaks for a channel now, and keeps the order by itself; " +
  "remove it. turn-channels check tells whether messages are left in the old queues";

/**
 * One fault for each faulty key, however many rules it breaks, and one for each faulty part of a map
 * or entry of a list. Zod's texts quote the value.
 */
function valueFaults(settings: readonly Setting[], prefix: string, error?: z.ZodError) {
  return settings.flatMap((setting) => {
    const { key, value } = setting;
    const names = namesOf(setting);
    const issues = error?.issues
      .filter(({ path }) => names.every((name, depth) => path[depth] === name)) ?? [];
    if (key.isMap) return issues.map((issue) => partFault(setting, issue));
    // A text without commas is itself the one entry.
    const isOne = typeof value === "string" && !value.includes(",");
    const entries = new Map(
      issues.map((issue) => [isOne ? undefined : issue.path[names.length], issue]),
    );
    if (entries.size > 0 && !entries.has(undefined)) {
      return [...entries].map(([index, issue]) => entryFault(setting, Number(index), issue));
    }
    const [issue] = issues;
    if (issue === undefined) return [];
    const needed = key.required && (value === undefined || value === "");
    const expected = ownWords(issue) ?? (needed ? `required: ${key.type}` : key.type);
    const source = setting.source ?? nowhere(setting, settings, prefix);
    return [faultOf({ ...setting, source }, expected)];
  });
}

function ownWords(issue: z.core.$ZodIssue): string | undefined {
  const own: unknown = issue.code === "custom" ? issue.params?.expected : undefined;
  return typeof own === "string" ? own : undefined;
}

/** Where a key that is missing can be set; a secret best in a file of its own. */
function nowhere({ key }: Setting, settings: readonly Setting[], prefix: string): string {
  const inFile = settings.find(({ key: { path } }) => path === `${key.path}_file`);
  return `nowhere; set ${
    inFile === undefined ? "it" : `it, or ${inFile.key.path},`
  } in the file, ` +
    `as ${prefix}${key.env} in the environment, or by --${key.flag}`;
}

function entryFault(setting: Setting, index: number, issue: z.core.$ZodIssue): Fault {
  const { key } = setting;
  return faultOf({ ...setting, value: issue.input }, ownWords(issue) ?? key.type, [index]);
}

/** What is wrong inside a map, with the value that stands there. */
function partFault(setting: Setting, issue: z.core.$ZodIssue): Fault {
  const inner = issue.path.slice(namesOf(setting).length);
  const { expected = setting.key.type, value = setting.value } = issue.code === "custom"
    ? issue.params ?? {}
    : {};
  return faultOf({ ...setting, value }, String(expected), inner);
}
