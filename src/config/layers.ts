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
  /** As it was written; undefined if it was not set. */
  readonly value: unknown;
  readonly source: string | undefined;
  /** Whether it was set for one of several channels. */
  readonly isOwn: boolean;
}

/** Each key with the value of the highest layer that sets it. `null` does not set it. */
export function layered(layers: Layers): readonly Setting[] {
  return configKeys.map((key) => setting(key, layers));
}

function setting(key: ConfigKey, { tree, fileSource, env, prefix, flags, channel }: Layers) {
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
  for (const { key: { path }, value } of settings) {
    const groups = path.split(".");
    const name = groups.pop() ?? path;
    let group = tree;
    // What is made here are groups only.
    for (const part of groups) group = (group[part] ??= {}) as Record<string, unknown>;
    group[name] = value;
  }
  return tree;
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

/** What is wrong with a setting, without its value if that is secret. */
export function faultOf({ key, value, source = "" }: Setting, expected: string): Fault {
  return { key: key.path, value: showFaulty(key, value), expected, source };
}
