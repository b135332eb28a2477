/**
 * Looking up a key's value by its dotted path.
 *
 * @module
 */

import type { ChannelConfig } from "./schema.ts";

/** The value of the key with this path, which is one of the schema's. */
export function valueAt(config: ChannelConfig, path: string): unknown {
  let value: unknown = config;
  for (const name of path.split(".")) {
    value = (value as Record<string, unknown>)[name]; // Paths come from the same schema.
  }
  return value;
}
