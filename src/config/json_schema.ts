/**
 * The configuration file as JSON Schema, for editors. It has the plain form of each value; the program
 * also accepts numbers in quotes and numbers for text. Nothing is required, as each key may be set in
 * the environment or by a flag instead.
 *
 * @module
 */

import * as z from "zod";
import { type KeyMeta, metaOf } from "./key_meta.ts";
import type { JsonSchema } from "./kinds.ts";
import { channelKeys, groups } from "./schema.ts";

/** JSON Schema, draft 2020-12, of the configuration file. */
export function configJsonSchema(): JsonSchema {
  const properties = Object.assign({}, ...Object.values(groups)) as z.core.$ZodShape; // By its type.
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Configuration of turn-channels",
    ...objectOf({ $schema: z.string(), ...properties }, {
      channels: {
        description: "Several channels in one process: for each the keys that are its own, over " +
          "those that stand beside this list.",
        type: "array",
        minItems: 1,
        items: objectOf(channelKeys),
      },
    }),
  };
}

function objectOf(
  shape: Readonly<Record<string, z.core.$ZodType>>,
  more: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  const properties = Object.entries(shape).map(([name, schema]) => [name, propertyOf(schema)]);
  return {
    type: "object",
    properties: { ...Object.fromEntries(properties), ...more },
    additionalProperties: false,
  };
}

function propertyOf(schema: z.core.$ZodType): JsonSchema {
  const meta = metaOf.get(schema);
  if (meta !== undefined) return keyOf(schema, meta);
  const nested = schema instanceof z.ZodReadonly ? schema.unwrap() : schema;
  return nested instanceof z.ZodObject ? objectOf(nested.shape) : ruleOf(nested);
}

function keyOf(schema: z.core.$ZodType, { description, type, written }: KeyMeta): JsonSchema {
  const unset = z.safeParse(schema, undefined);
  const needed = unset.success ? "" : "Required, here or in the environment or as a flag. ";
  return {
    ...written ?? ruleOf(schema),
    description: `${needed}${description} Value: ${type}.`,
    ...(unset.data === undefined || unset.data === null ? {} : { default: unset.data }),
  };
}

/** The rule as far as zod can express it: without refinements and what comes before a transform. */
function ruleOf(schema: z.core.$ZodType): JsonSchema {
  const { $schema: _, default: __, maximum, ...rule } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    metadata: z.registry(), // Not zod's global one, nor ours, whose `type` is in words.
  });
  return maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? rule : { ...rule, maximum };
}
