/**
 * What a configuration key has beside its rule, and the three ways to make a key of a kind.
 *
 * @module
 */

import * as z from "zod";
import type { JsonSchema, Kind, Secrecy } from "./kinds.ts";

/** What a key has beside its rule. */
export interface KeyMeta {
  /** What it means, for an operator. */
  readonly description: string;
  /** What is expected, in words. */
  readonly type: string;
  /** How much of the value must never be shown. */
  readonly secrecy: Secrecy;
  /** How the file has it, where the rule alone does not say. */
  readonly written?: JsonSchema;
}

/** By a key's rule. */
export const metaOf: z.core.$ZodRegistry<KeyMeta> = z.registry<KeyMeta>();

function register<T>(schema: z.ZodType<T>, kind: Kind<unknown>, description: string): z.ZodType<T> {
  const { type, secrecy, written } = kind;
  return schema.register(metaOf, { description, type, secrecy, ...(written && { written }) });
}

/** A key that must be set. */
export function required<T>(kind: Kind<T>, description: string): z.ZodType<T> {
  return register(kind.schema.clone(), kind, description); // A kind may be that of several keys.
}

/** A key that may stay unset. */
export function optional<T>(kind: Kind<T>, description: string): z.ZodType<T | undefined> {
  return register<T | undefined>(z.optional(kind.schema), kind, description);
}

/** A key with a default. */
export function preset<T>(
  kind: Kind<T>,
  value: z.core.util.NoUndefined<T>,
  description: string,
): z.ZodType<T> {
  return register<T>(z._default(kind.schema, value), kind, description);
}
