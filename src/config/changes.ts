// What differs between two configurations.

import { isDeepStrictEqual } from "node:util";
import { CHANNELS } from "./channels.ts";
import { configKeys, valueAt } from "./keys.ts";
import { type ChannelConfig, type Config, isChannelKey } from "./schema.ts";

/**
 * The paths of keys whose values differ. Several channels are matched by their connectors, and a
 * channel's own keys have its place in `after` before them: `channels[0].auth_token`. `channels` is one
 * of the keys if channels were added or removed.
 */
export function changedKeys(before: Config, after: Config): readonly string[] {
  if (before.channels.length === 1 && after.channels.length === 1) return differing(before, after);
  const earlier = new Map(before.channels.map((channel) => [channel.connector_name, channel]));
  const own = after.channels.flatMap((channel, index) => {
    const same = earlier.get(channel.connector_name);
    return same === undefined ? [] : differing(same, channel)
      .filter(isChannelKey)
      .map((path) => `${CHANNELS}[${index}].${path}`);
  });
  const isSame = before.channels.length === after.channels.length &&
    after.channels.every(({ connector_name }) => earlier.has(connector_name));
  const shared = differing(before, after).filter((path) => !isChannelKey(path));
  return [...isSame ? [] : [CHANNELS], ...own, ...shared];
}

/** The key's path without the channel that {@linkcode changedKeys} may put before it. */
export function withoutChannel(path: string): string {
  return path.replace(/^channels\[\d+\]\./, "");
}

function differing(before: ChannelConfig, after: ChannelConfig): readonly string[] {
  return configKeys
    .map(({ path }) => path)
    .filter((path) => !isDeepStrictEqual(valueAt(before, path), valueAt(after, path)));
}
