// The configuration's keys as a list, from the schema: for flags and help, the environment, and the
// reference.

import * as z from "zod";
import { isTree } from "./file.ts";
import { kindOf, type Secrecy } from "./kinds.ts";
import { groups } from "./schema.ts";

/** A key of the configuration. */
export interface ConfigKey {
  /** The heading in the reference. */
  readonly group: string;
  /** Its name in the file, with dots in nested ones: `amqp.hostname`. */
  readonly path: string;
  /** Its flag, without the dashes before it: `amqp-hostname`. */
  readonly flag: string;
  /** Its environment variable, without the prefix: `AMQP_HOSTNAME`. */
  readonly env: string;
  /** Whether it must be set. */
  readonly required: boolean;
  /** Its default as text; empty when there is none. */
  readonly defaultText: string;
  /** What it means, for an operator. */
  readonly description: string;
  /** What is expected, in words. */
  readonly type: string;
  /** How much of the value must never be shown. */
  readonly secrecy: Secrecy;
  /** Whether it is a mapping whose names are the operator's: `templates`. */
  readonly isMap: boolean;
}

/** All keys, in the order of the reference. */
export const configKeys: readonly ConfigKey[] = Object.entries(groups).flatMap(([group, shape]) =>
  Object.entries(shape).flatMap(([name, schema]) => keysOf(group, name, schema))
);

/** Names of keys that hold others: all that comes before a dot, `amqp` and `amqp.tls`. */
export const groupNames: ReadonlySet<string> = new Set(
  configKeys.flatMap(({ path }) =>
    [...path.matchAll(/\./g)].map(({ index }) => path.slice(0, index))
  ),
);

/** Names of keys that are mappings whose names are the operator's. */
export const mapNames: ReadonlySet<string> = new Set(
  configKeys.filter(({ isMap }) => isMap).map(({ path }) => path),
);

/** The key of this name; of a group, the most secret one. */
export function keyOf(name: string): ConfigKey | undefined {
  const named = configKeys.filter(({ path }) => path === name || path.startsWith(`${name}.`));
  return named.find(({ secrecy }) => secrecy !== "none") ?? named[0];
}

/** Whether no part of what stands at this path of a file may be a secret; no, where no key is known. */
export function isPublic(path: string): boolean {
  const own = path.replace(/^channels\[\d+\]\.?/, "").replaceAll(/\[\d+\]/g, "");
  const map = configKeys.find((key) => key.isMap && own.startsWith(`${key.path}.`));
  return (map ?? keyOf(own))?.secrecy === "none";
}

/** The value with this path, in a configuration or in a file of whatever form. */
export function valueAt(tree: object, path: string): unknown {
  let value: unknown = tree;
  for (const name of path.split(".")) value = isTree(value) ? value[name] : undefined;
  return value;
}

function keysOf(group: string, path: string, schema: z.ZodType): readonly ConfigKey[] {
  const kind = kindOf(schema);
  if (kind === undefined) {
    return Object.entries(innerKeys(schema)).flatMap(([name, inner]) =>
      keysOf(group, `${path}.${name}`, inner)
    );
  }
  const unset = schema.safeParse(undefined);
  const env = path.replaceAll(".", "_").toUpperCase();
  return [{
    ...{ group, path, env, type: kind.type, secrecy: kind.secrecy, isMap: kind.isMap },
    flag: env.replaceAll("_", "-").toLowerCase(),
    required: !unset.success,
    defaultText: defaultText(unset.data),
    description: schema.description ?? "",
  }];
}

function innerKeys(group: z.ZodType): Readonly<Record<string, z.ZodType>> {
  const object = group instanceof z.ZodReadonly ? group.unwrap() : group;
  if (!(object instanceof z.ZodObject)) throw new TypeError("Cannot describe a key without a kind");
  return object.shape;
}

function defaultText(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" && value !== "" ? value : JSON.stringify(value);
}
