// Warnings about unknown keys, which are mostly typing errors.

import type { Warning } from "./faults.ts";
import { isTree, type Tree } from "./file.ts";
import { configKeys, groupNames, mapNames } from "./keys.ts";
import { FILE_VARIABLES } from "./places.ts";
import { isChannelKey } from "./schema.ts";

const NOT_KEYS: ReadonlySet<string> = new Set(["$schema", "channels"]);

/** Warns of unknown keys in the file, or in a part of it. */
export function unknownFileKeys(tree: Tree, source: string, notKeys = NOT_KEYS) {
  const keys = configKeys.map(({ path }) => path);
  return pathsIn(tree)
    .filter((path) => !notKeys.has(path) && !keys.includes(path) && !groupNames.has(path))
    .filter((path) => ![...mapNames].some((name) => path.startsWith(`${name}.`)))
    .map((path) => warning(path, source, keys));
}

/** The paths of all keys that are written in a tree, those in groups and maps with their names. */
export function pathsIn(tree: Tree, prefix = ""): readonly string[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const path = prefix + name;
    const isOpen = groupNames.has(path) || mapNames.has(path);
    return isOpen && isTree(value) ? pathsIn(value, `${path}.`) : [path];
  });
}

/** Warns of variables with the prefix that belong to no key of the configuration or of a channel. */
export function unknownVariables(
  names: readonly string[],
  prefix: string,
  channelPrefixes: readonly string[],
): readonly Warning[] {
  if (prefix === "") return [];
  const own = configKeys.filter(({ path }) => isChannelKey(path));
  const known = [
    ...configKeys.map(({ env }) => prefix + env),
    ...channelPrefixes.flatMap((channelPrefix) => own.map(({ env }) => channelPrefix + env)),
    ...FILE_VARIABLES,
    "VUMI_CONFIG_PREFIX",
  ];
  return names
    .filter((name) => name.startsWith(prefix) && !known.includes(name))
    .map((name) => warning(name, "the environment", known));
}

function warning(written: string, source: string, known: readonly string[]): Warning {
  // By an error in the file's syntax it may be a value, and a secret.
  const key = /^[\w.$-]{1,80}$/.test(written) ? written : "(not a name)";
  const near = nearest(key, known);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  return { key, message: `${key} in ${source} is not known and has no effect${hint}` };
}

/** The first name that begins as written, or the most similar within edits of 40 % of its length. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((name) => {
      const edits = distance(written.toLowerCase(), name.toLowerCase());
      return { name, edits: name.startsWith(written) ? 0 : edits };
    })
    .filter(({ name, edits }) => edits <= name.length * 0.4)
    .sort((a, b) => a.edits - b.edits);
  return best?.name;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let line = 1; line <= a.length; line++) {
    const next = [line];
    for (let column = 1; column <= b.length; column++) {
      const replace = (row[column - 1] ?? 0) + (a[line - 1] === b[column - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
