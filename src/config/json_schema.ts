// The configuration file as JSON Schema, for editors. It has the plain form of each value; the program
// also accepts numbers in quotes and numbers for text. Nothing is required, as each key may be set in
// the environment or by a flag instead.

import * as z from "zod";
import { type JsonSchema, kindOf } from "./kinds.ts";
import { channelKeys, groups } from "./schema.ts";

/** JSON Schema, draft 2020-12, of the configuration file. */
export function configJsonSchema(): JsonSchema {
  const keys: z.core.$ZodShape = Object.assign({}, ...Object.values(groups));
  const channels = z.array(z.strictObject(channelKeys)).min(1).describe(
    "Several channels in one process: for each one its own keys, which take precedence over those " +
      "beside this list.",
  );
  const file = z.strictObject({ $schema: z.string(), ...keys, channels });
  const { $schema, ...rules } = z.toJSONSchema(file, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => describe(zodSchema, jsonSchema),
  });
  return { $schema, title: "Configuration of turn-channels", ...rules };
}

/** Makes the rule say what a reader of the file needs: zod's own words are for the parsed value. */
function describe(schema: z.core.$ZodType, rule: z.core.JSONSchema.BaseSchema): void {
  delete rule.required;
  delete rule.readOnly;
  if (rule.type === "object") rule.additionalProperties = false;
  if (rule.maximum === Number.MAX_SAFE_INTEGER) delete rule.maximum;
  const description = z.globalRegistry.get(schema)?.description;
  const kind = kindOf(schema);
  if (kind === undefined || description === undefined) return;
  const { default: _, description: __, ...plain } = rule;
  for (const name of Object.keys(rule)) delete rule[name];
  const unset = z.safeParse(schema, undefined);
  const needed = unset.success ? "" : "Required, here or in the environment or as a flag. ";
  Object.assign(rule, kind.written ?? plain, {
    description: `${needed}${description} Value: ${kind.type}.`,
    ...(unset.data === undefined || unset.data === null ? {} : { default: unset.data }),
  });
}
