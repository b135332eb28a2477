/**
 * The configuration's keys as a list, from the schema: for flags and help, the environment, and the
 * reference.
 *
 * @module
 */

import * as z from "zod";
import { type KeyMeta, metaOf } from "./key_meta.ts";
import { type ChannelConfig, groups } from "./schema.ts";

/** A key of the configuration. */
export interface ConfigKey extends KeyMeta {
  /** The heading in the reference. */
  readonly group: string;
  /** Its name in the file, nested ones with a dot: `amqp.hostname`. */
  readonly path: string;
  /** Its flag, without the dashes before it: `amqp-hostname`. */
  readonly flag: string;
  /** Its environment variable, without the prefix: `AMQP_HOSTNAME`. */
  readonly env: string;
  /** Whether it must be set. */
  readonly required: boolean;
  /** Its default as text; empty when there is none. */
  readonly defaultText: string;
}

const keys: readonly ConfigKey[] = Object.entries(groups).flatMap(([group, shape]) =>
  Object.entries(shape).flatMap(([name, schema]) => keysOf(group, name, schema))
);

/** All keys, in the order of the reference. */
export function configKeys(): readonly ConfigKey[] {
  return keys;
}

/** Names of keys that hold others: all that comes before a dot, `amqp` and `amqp.tls`. */
export function groupNames(): ReadonlySet<string> {
  return new Set(
    keys.flatMap(({ path }) => [...path.matchAll(/\./g)].map(({ index }) => path.slice(0, index))),
  );
}

function keysOf(group: string, path: string, schema: z.ZodType): readonly ConfigKey[] {
  const meta = metaOf.get(schema);
  if (meta !== undefined) return [describe(group, path, schema, meta)];
  const nested = schema instanceof z.ZodReadonly ? schema.unwrap() : schema;
  if (!(nested instanceof z.ZodObject)) throw new TypeError(`Cannot describe key '${path}'`);
  return Object.entries(nested.shape).flatMap(([name, inner]) =>
    keysOf(group, `${path}.${name}`, inner)
  );
}

function describe(group: string, path: string, schema: z.ZodType, meta: KeyMeta): ConfigKey {
  const unset = schema.safeParse(undefined);
  const env = path.replaceAll(".", "_").toUpperCase();
  return {
    ...meta,
    group,
    path,
    flag: env.replaceAll("_", "-").toLowerCase(),
    env,
    required: !unset.success,
    defaultText: defaultText(unset.data),
  };
}

function defaultText(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" && value !== "" ? value : JSON.stringify(value);
}

/** The value of the key with this path, which must be one of the schema's. */
export function valueAt(config: ChannelConfig, path: string): unknown {
  let value: unknown = config;
  for (const name of path.split(".")) {
    value = (value as Record<string, unknown>)[name]; // Paths come from the same schema.
  }
  return value;
}
