// Several channels in one configuration: the file's list `channels`. Each entry has keys of its own
// over what stands beside the list, which is for all of them.

import type { Fault, Warning } from "./faults.ts";
import { isTree, type Tree } from "./file.ts";
import { groupNames, keyOf, mapNames } from "./keys.ts";
import { groupFaults, type Layers, pathOf, type Setting } from "./layers.ts";
import { showFaulty } from "./redaction.ts";
import { channelKeys, isChannelKey } from "./schema.ts";
import { pathsIn, unknownFileKeys } from "./unknown.ts";

export const CHANNELS = "channels";

/** The environment variable, without its prefix, that sets a key for one channel: `CHANNELS_0_…`. */
export function channelVariable(index: number, key: string): string {
  return `${CHANNELS}_${index}_${key}`.toUpperCase();
}

export interface ChannelLayers {
  /** Its place in the list; empty for a configuration without the list. */
  readonly name: string;
  /** Undefined if the entry is not a mapping. */
  readonly layers: Layers | undefined;
  readonly faults: readonly Fault[];
  readonly warnings: readonly Warning[];
}

/** The channels that the file has, at least one. */
export function channelsOf(layers: Layers): readonly ChannelLayers[] {
  const { [CHANNELS]: list, ...shared } = layers.tree;
  if (list === undefined || list === null) return [{ name: "", layers, faults: [], warnings: [] }];
  if (!Array.isArray(list) || list.length === 0) {
    return [noChannel(CHANNELS, list, "a list with a mapping of keys for each channel", layers)];
  }
  return list.map((entry: unknown, index) =>
    isTree(entry)
      ? channelOf(index, entry, shared, layers)
      : noChannel(`${CHANNELS}[${index}]`, entry, "a mapping of keys to values", layers)
  );
}

/** A fault in place of a channel. Its value is not shown: it may be a secret in the wrong place. */
function noChannel(key: string, value: unknown, expected: string, layers: Layers): ChannelLayers {
  const shown = Array.isArray(value) ? "a list" : isTree(value) ? "a mapping" : "something else";
  const fault = { key, value: shown, expected, source: layers.fileSource };
  return { name: key, layers: undefined, faults: [fault], warnings: [] };
}

function channelOf(index: number, entry: Tree, shared: Tree, layers: Layers): ChannelLayers {
  const name = `${CHANNELS}[${index}]`;
  const source = `${layers.fileSource}, ${name}`;
  const set = Object.entries(entry).filter(([, value]) => value !== null);
  const ownTree = Object.fromEntries(set.filter(([key]) => key in channelKeys));
  const own = new Set(pathsIn(ownTree));
  const others = Object.entries(shared).filter(([key]) => !own.has(key) && !own.has(twin(key)));
  return {
    name,
    layers: {
      ...layers,
      tree: merged(Object.fromEntries(others), ownTree),
      channel: { own, source, prefix: layers.prefix + channelVariable(index, "") },
    },
    faults: [
      ...set.filter(([key]) => !(key in channelKeys)).flatMap(([key, value]) => {
        const known = keyOf(key);
        return known === undefined ? [] : [{
          key: `${name}.${key}`,
          value: showFaulty(known, value),
          expected: `to be set beside ${CHANNELS}, because it applies to all of them`,
          source,
        }];
      }),
      ...groupFaults({ tree: ownTree, fileSource: source })
        .map((fault) => ({ ...fault, key: `${name}.${fault.key}` })),
    ],
    warnings: unknownFileKeys(entry, source, new Set()),
  };
}

/** What `own` has over what is for all channels, in groups and maps name by name. */
function merged(shared: Tree, own: Tree, prefix = ""): Tree {
  const groups = Object.entries(own).flatMap(([name, group]) => {
    const [sharedGroup, path] = [shared[name], prefix + name];
    const isOpen = groupNames.has(path) || mapNames.has(path);
    if (!isOpen || !isTree(group) || !isTree(sharedGroup)) return [];
    const set = Object.entries(group).filter(([, value]) => value !== null);
    return [[name, merged(sharedGroup, Object.fromEntries(set), `${path}.`)] as const];
  });
  return { ...shared, ...own, ...Object.fromEntries(groups) };
}

/** A secret's key for the key of its file, and the reverse. */
function twin(key: string): string {
  return key.endsWith("_file") ? key.slice(0, -"_file".length) : `${key}_file`;
}

/** Adds the channel to the fault's key if the fault is, or may be, the channel's own. */
export function nameFault(fault: Fault, name: string, settings: readonly Setting[]): Fault {
  const key = fault.key.replace(/\[\d+\]$/, ""); // Of a list, whatever its entry.
  if (name === "" || !isChannelKey(key)) return fault;
  const isOwn = settings.some((setting) => {
    const path = pathOf(setting);
    const isMeant = `${key}.`.startsWith(`${path}.`) || path === twin(key);
    return setting.isOwn && isMeant;
  });
  return isOwn || fault.value === undefined ? { ...fault, key: `${name}.${fault.key}` } : fault;
}

/** Faults for values that two channels share and must not. */
export function clashes(
  channels: readonly { readonly name: string; readonly settings: readonly Setting[] }[],
): readonly Fault[] {
  return ["connector_name", "vumi_api_path"].flatMap((path) => {
    const owners = new Map<string, string>();
    return channels.flatMap(({ name, settings }) => {
      const setting = settings.find(({ key }) => key.path === path);
      const read = channelKeys[path]?.safeParse(setting?.value);
      if (!read?.success) return [];
      const value = JSON.stringify(read.data);
      const owner = owners.get(value);
      if (owner === undefined) owners.set(value, name);
      return owner === undefined ? [] : [{
        key: `${name}.${path}`,
        value,
        expected: `a value other than that of ${owner}`,
        source: setting?.source ?? "the default",
      }];
    });
  });
}
