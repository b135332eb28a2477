// The configuration's layers: the file, over it the environment, over it the flags. Groups are merged
// key by key, as vumi2 does it.

import type { Fault } from "./faults.ts";
import { isTree, type Tree } from "./file.ts";
import { type ConfigKey, configKeys, groupNames, keyOf, valueAt } from "./keys.ts";
import { showFaulty } from "./redaction.ts";
import { isChannelKey } from "./schema.ts";

export interface Layers {
  readonly tree: Tree;
  readonly fileSource: string;
  readonly env: Readonly<Record<string, string>>;
  /** What names of variables begin with, including the underscore. */
  readonly prefix: string;
  readonly flags: Readonly<Record<string, string>>;
  /** What one of several channels has for itself. */
  readonly channel?: {
    /** Paths of keys in the file. */
    readonly own: ReadonlySet<string>;
    readonly source: string;
    readonly prefix: string;
  };
}

export interface Setting {
  readonly key: ConfigKey;
  /** Of a map in the file, the name of the one entry that is meant. */
  readonly entry?: string;
  /** As it was written; undefined if it was not set. */
  readonly value: unknown;
  readonly source: string | undefined;
  /** Whether it was set for one of several channels. */
  readonly isOwn: boolean;
}

/**
 * Each key with the value of the highest layer that sets it, and of maps each entry, as some may be a
 * channel's own. `null` does not set it.
 */
export function layered(layers: Layers): readonly Setting[] {
  return configKeys.flatMap((key) => {
    const whole = setting(key, layers);
    return key.isMap && isTree(whole.value) ? entriesOf(whole, whole.value, layers) : [whole];
  });
}

function entriesOf(whole: Setting, map: Tree, { fileSource, channel }: Layers): readonly Setting[] {
  const set = Object.entries(map).filter(([, value]) => value !== null);
  if (set.length === 0) return [{ ...whole, value: undefined }];
  return set.map(([entry, value]) => {
    const isOwn = channel?.own.has(`${whole.key.path}.${entry}`) ?? false;
    const source = isOwn ? channel?.source : fileSource;
    return { key: whole.key, entry, value, source, isOwn };
  });
}

function setting(
  key: ConfigKey,
  { tree, fileSource, env, prefix, flags, channel }: Layers,
): Setting {
  const flag = flags[key.flag];
  if (flag !== undefined) return { key, value: flag, source: `flag --${key.flag}`, isOwn: false };
  const ownName = channel && isChannelKey(key.path) ? channel.prefix + key.env : undefined;
  for (const name of ownName === undefined ? [prefix + key.env] : [ownName, prefix + key.env]) {
    const value = env[name];
    if (value === undefined) continue;
    return { key, value, source: `environment variable ${name}`, isOwn: name === ownName };
  }
  const value = valueAt(tree, key.path) ?? undefined;
  if (value === undefined) return { key, value, source: undefined, isOwn: false };
  const isOwn = channel?.own.has(key.path) ?? false;
  return { key, value, source: isOwn ? channel?.source : fileSource, isOwn };
}

/** The settings as the schema wants them, with every group there. */
export function treeOf(settings: readonly Setting[]): Tree {
  const tree: Record<string, unknown> = {};
  for (const setting of settings) {
    const groups = [...namesOf(setting)];
    const name = groups.pop() ?? "";
    let group = tree;
    // What is made here are groups only.
    for (const part of groups) group = (group[part] ??= {}) as Record<string, unknown>;
    group[name] = setting.value;
  }
  return tree;
}

/** Where a setting is in the configuration; the name of an entry may hold dots. */
export function namesOf({ key, entry }: Pick<Setting, "key" | "entry">): readonly string[] {
  const names = key.path.split(".");
  return entry === undefined ? names : [...names, entry];
}

/** The path of a setting, as faults have it; of an entry, with its name as it may be shown. */
export function pathOf({ key, entry }: Setting, inner: readonly PropertyKey[] = []): string {
  const names = entry === undefined ? inner : [entry, ...inner];
  return names.reduce<string>(
    (path, name) => path + (typeof name === "number" ? `[${name}]` : `.${showFaulty(key, name)}`),
    key.path,
  );
}

/** Faults for groups of keys that are something else in the file. */
export function groupFaults(
  { tree, fileSource }: Pick<Layers, "tree" | "fileSource">,
): readonly Fault[] {
  return [...groupNames].flatMap((name) => {
    const value = valueAt(tree, name) ?? {};
    if (isTree(value)) return [];
    const secret = keyOf(name);
    const inner = configKeys.filter(({ path }) => path.startsWith(`${name}.`))
      .map(({ path }) => path.slice(name.length + 1).split(".")[0]);
    return [{
      key: name,
      value: secret && showFaulty(secret, value),
      expected: `a mapping of ${[...new Set(inner)].join(", ")}`,
      source: fileSource,
    }];
  });
}

/** What is wrong with a setting, or with what is `inner` in it, without its value if that is secret. */
export function faultOf(
  setting: Setting,
  expected: string,
  inner: readonly PropertyKey[] = [],
): Fault {
  const { key, value, source = "" } = setting;
  return { key: pathOf(setting, inner), value: showFaulty(key, value), expected, source };
}
