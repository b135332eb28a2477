// Keys that are mappings whose names are the operator's, with one value for each name. Each fault has
// the path of what is wrong, and its value.

import * as z from "zod";
import { isTree } from "./file.ts";
import { fromJson, type JsonSchema, kind, kindOf } from "./kinds.ts";

interface MapOptions<T> {
  /** What it is, in words: "mapping of … to …". */
  readonly type: string;
  /** What the names have to match. */
  readonly names: RegExp;
  /** What a name has to be, in words. */
  readonly expectedName: string;
  /** The rule of each value. */
  readonly values: z.ZodType<T>;
  /** How the file has a value. */
  readonly written: JsonSchema;
  /** Whether names that differ in case only are the same. */
  readonly ignoresCase?: boolean;
}

/** A mapping of names to values of one kind; as elsewhere, `null` sets nothing. */
export function mapOf<T>(
  { type, names, expectedName, values, written, ignoresCase = false }: MapOptions<T>,
): z.ZodType<Readonly<Record<string, T>>> {
  const rule = z.preprocess(fromJson, z.unknown()).transform((raw, context) => {
    if (!isTree(raw)) {
      context.addIssue({ code: "custom" });
      return z.NEVER;
    }
    const refuse = (name: string, value: unknown, expected: string) =>
      context.addIssue({ code: "custom", path: [name], params: { value, expected } });
    // A value may be a mapping itself, and knows what is wrong in it.
    const refuseIn = (name: string, value: unknown, issue: z.core.$ZodIssue) => {
      const inner = issue.code === "custom" ? issue.params : undefined;
      const params = inner ?? { value, expected: kindOf(values)?.type ?? type };
      context.addIssue({ code: "custom", path: [name, ...issue.path], params });
    };
    const seen = new Map<string, string>();
    const read: [string, T][] = [];
    for (const [name, value] of Object.entries(raw)) {
      if (value === null) continue;
      const same = ignoresCase ? name.toLowerCase() : name;
      const before = seen.get(same);
      seen.set(same, name);
      const { success, data, error } = values.safeParse(value);
      if (!names.test(name)) refuse(name, name, expectedName);
      else if (before !== undefined) refuse(name, name, `not again: ${SAME_NAME}`);
      else if (!success) { for (const issue of error.issues) refuseIn(name, value, issue); }
      else read.push([name, data]);
    }
    return Object.fromEntries(read);
  });
  return kind(`${type}; as text in JSON`, rule, {
    isMap: true,
    written: { type: "object", additionalProperties: written },
  });
}

const SAME_NAME = "the name stands there already, and upper and lower case make no difference";
