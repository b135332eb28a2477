// From bytes off a queue to a value of a schema, and the error for those that can't be read.

import type * as z from "zod";
import { parseJson } from "../async/mod.ts";

/** Bytes from a queue are not what they should be, and will never be. */
export class MalformedPayloadError extends Error {
  /** The name of the class. */
  override readonly name = "MalformedPayloadError";
}

/** The largest payload that is read. A message of people has a few hundred bytes. */
const MAX_BYTES = 1024 * 1024;

/** The deepest nesting that is read. What nests some thousands deep could not be written again. */
const MAX_DEPTH = 1000;

/**
 * Reads `body` as UTF-8 JSON of the given schema.
 * @throws {MalformedPayloadError} Naming each faulty field; holds nothing of the payload's values.
 */
export function parsePayload<T>(what: string, schema: z.ZodType<T>, body: Uint8Array): T {
  if (body.length > MAX_BYTES) {
    throw new MalformedPayloadError(`Cannot read vumi ${what}: larger than ${MAX_BYTES} bytes`);
  }
  const value = parseJson(body);
  // The engine's own message would quote the payload, which a user wrote: not for a log or a header.
  if (value === undefined) {
    throw new MalformedPayloadError(`Cannot read vumi ${what}: not JSON in UTF-8`);
  }
  // Each level takes two characters.
  if (body.length > 2 * MAX_DEPTH && isDeeper(value, MAX_DEPTH)) {
    throw new MalformedPayloadError(`Cannot read vumi ${what}: nests deeper than ${MAX_DEPTH}`);
  }
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const faults = read.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`
  );
  throw new MalformedPayloadError(`Cannot read vumi ${what}: ${faults.join("; ")}`);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
