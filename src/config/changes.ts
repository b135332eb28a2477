/**
 * What differs between two configurations.
 *
 * @module
 */

import { configKeys } from "./keys.ts";
import { CHANNELS } from "./channels.ts";
import { type ChannelConfig, channelKeys, type Config } from "./schema.ts";
import { valueAt } from "./values.ts";

/**
 * The keys, by their paths, whose values are not the same; with several channels a channel's own
 * with the channel before them: `channels[0].auth_token`. `channels`, if there are others now.
 */
export function changedKeys(before: Config, after: Config): readonly string[] {
  const names = (config: Config) => config.channels.map(({ connector_name }) => connector_name);
  if (after.channels.length === 1 && before.channels.length === 1) return differing(before, after);
  if (asText(names(before)) !== asText(names(after))) return [CHANNELS];
  const changed = after.channels.flatMap((channel, index) => {
    const other = before.channels[index];
    return other === undefined
      ? []
      : differing(other, channel).map((path) =>
        path in channelKeys ? `${CHANNELS}[${index}].${path}` : path
      );
  });
  return [...new Set(changed)];
}

function differing(before: ChannelConfig, after: ChannelConfig): readonly string[] {
  return configKeys()
    .map(({ path }) => path)
    .filter((path) => asText(valueAt(before, path)) !== asText(valueAt(after, path)));
}

/** All values are data; what is undefined is no value. */
function asText(value: unknown): string {
  return JSON.stringify(value ?? null);
}
