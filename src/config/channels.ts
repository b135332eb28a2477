/**
 * Several channels in one configuration: the file's list `channels`. Each entry has keys of its own
 * over what stands beside the list, which is for all of them.
 *
 * @module
 */

import type { Fault, Warning } from "./faults.ts";
import { isTree, type Tree } from "./file.ts";
import type { Entry, Layers } from "./layers.ts";
import { type ChannelConfig, channelKeys } from "./schema.ts";
import { unknownFileKeys } from "./unknown.ts";

/** The name of the list. */
export const CHANNELS = "channels";

/** One channel, before it is read. */
export interface Channel {
  /** How it is called; empty for the only one of a configuration without the list. */
  readonly name: string;
  /** Where its values come from. */
  readonly layers: Layers;
  /** Which keys of the file are its own. */
  readonly own: ReadonlySet<string>;
  /** What is wrong with it as an entry of the list. */
  readonly faults: readonly Fault[];
  /** What of it is not known. */
  readonly warnings: readonly Warning[];
}

/** The channels that the file has, at least one. */
export function channelsOf(layers: Layers): readonly Channel[] {
  const { [CHANNELS]: list, ...shared } = layers.tree;
  const only = { name: "", layers, own: new Set<string>(), faults: [], warnings: [] };
  if (list === undefined || list === null) return [only];
  if (!Array.isArray(list) || list.length === 0) {
    const expected = "a list with a mapping of keys for each channel";
    return [{ ...only, faults: [faultOf(layers, CHANNELS, expected)] }];
  }
  return list.map((entry: unknown, index) => {
    const name = `${CHANNELS}[${index}]`;
    if (isTree(entry)) return channelOf(name, entry, shared, layers);
    const expected = "a mapping of keys to values";
    return { ...only, name, faults: [faultOf(layers, name, expected)] };
  });
}

function channelOf(name: string, entry: Tree, shared: Tree, layers: Layers): Channel {
  const names = Object.keys(entry);
  const own = new Set(names.filter((key) => key in channelKeys));
  const known = new Set(unknownFileKeys(entry, "").map(({ key }) => key));
  const misplaced = names.filter((key) => !own.has(key) && !known.has(key));
  return {
    name,
    layers: { ...layers, tree: { ...shared, ...entry } },
    own,
    faults: misplaced.map((key) =>
      faultOf(layers, `${name}.${key}`, `beside ${CHANNELS}: it is for all channels`)
    ),
    warnings: unknownFileKeys(entry, `${layers.fileSource}, ${name}`),
  };
}

function faultOf({ fileSource }: Layers, key: string, expected: string): Fault {
  return { key, value: undefined, expected, source: fileSource };
}

/** The entry, with the channel as its source if the value is the channel's own. */
export function withOwnSource(
  entry: Entry,
  { fileSource }: Layers,
  name: string,
  own: ReadonlySet<string>,
): Entry {
  if (entry.source !== fileSource || !own.has(entry.key.path)) return entry;
  return { ...entry, source: `${fileSource}, ${name}` };
}

/** The fault, with the channel in its key if it is the channel's own or may be. */
export function nameFault(fault: Fault, name: string, own: ReadonlySet<string>): Fault {
  const isOwn = own.has(fault.key) || (fault.value === undefined && fault.key in channelKeys);
  return name !== "" && isOwn ? { ...fault, key: `${name}.${fault.key}` } : fault;
}

/** What is wrong with the shared keys is found with each channel, and told once. */
export function withoutRepeats(faults: readonly Fault[]): readonly Fault[] {
  return [...new Map(faults.map((fault) => [JSON.stringify(fault), fault])).values()];
}

/** Faults for what must be different in each channel and is not. */
export function clashes(channels: readonly ChannelConfig[]): readonly Fault[] {
  return (["connector_name", "vumi_api_path"] as const).flatMap((key) => {
    const values = channels.map((channel) => channel[key]);
    return values.flatMap((value, index) => {
      const first = values.indexOf(value);
      if (first === index) return [];
      return [{
        key: `${CHANNELS}[${index}].${key}`,
        value: JSON.stringify(value),
        expected: `another one than ${CHANNELS}[${first}] has`,
        source: `${CHANNELS}[${index}]`,
      }];
    });
  });
}
