/**
 * What differs between two configurations.
 *
 * @module
 */

import { configKeys } from "./keys.ts";
import type { Config } from "./schema.ts";
import { valueAt } from "./values.ts";

/** The keys, by their paths, whose values are not the same. */
export function changedKeys(before: Config, after: Config): readonly string[] {
  return configKeys()
    .map(({ path }) => path)
    .filter((path) => asText(valueAt(before, path)) !== asText(valueAt(after, path)));
}

/** All values are data; what is undefined is no value. */
function asText(value: unknown): string {
  return JSON.stringify(value ?? null);
}
