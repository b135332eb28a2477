// From bytes off a queue to a value of a schema, and the error for those that can't be read. What
// vumi2 reads is read: it makes a text of whatever stands where a text belongs (cattrs, in its
// src/vumi2/messages.py).

import * as z from "zod";
import { numbersAsWritten, parsePythonJson } from "../async/mod.ts";

/** Bytes from a queue are not what they should be, and will never be. */
export class MalformedPayloadError extends Error {
  /** The name of the class. */
  override readonly name = "MalformedPayloadError";
}

/** The largest payload that is read. A message of people has a few hundred bytes. */
const MAX_BYTES = 1024 * 1024;

/** The deepest nesting that is read. What nests some thousands deep could not be written again. */
const MAX_DEPTH = 1000;

/** A text that must be given; null is an empty one. */
export const textSchema = z.string().nullable().transform((text) => text ?? "");

/** A text with a default, also for null and for an empty one. */
export function textOr(standard: () => string) {
  return z.string().nullish().transform((text) => text || standard());
}

/** A text, or null if there is none. */
export const textOrNull = z.string().nullable().default(null);

/** What a field of metadata holds. */
export const metadataSchema = z.record(z.string(), z.unknown());

/** All of these are texts in messages, and in events. */
const TEXTS = [
  ...["message_id", "to_addr", "from_addr", "transport_name", "in_reply_to", "provider", "group"],
  ...["content", "event_id", "user_message_id", "sent_message_id", "nack_reason"],
  ...["message_version", "message_type"],
];
const METADATA = ["routing_metadata", "helper_metadata", "transport_metadata"];

/**
 * Reads `body` as UTF-8 JSON of the given schema, as it is or as vumi2 would take it.
 * @throws {MalformedPayloadError} Naming each faulty field; holds nothing of the payload's values.
 */
export function parsePayload<T>(what: string, schema: z.ZodType<T>, body: Uint8Array): T {
  if (body.length > MAX_BYTES) {
    throw new MalformedPayloadError(`Cannot read vumi ${what}: larger than ${MAX_BYTES} bytes`);
  }
  const value = parsePythonJson(body);
  // The engine's own message would quote the payload, which a user wrote: not for a log or a header.
  if (value === undefined) {
    throw new MalformedPayloadError(`Cannot read vumi ${what}: not JSON in UTF-8`);
  }
  // Each level takes two characters.
  if (body.length > 2 * MAX_DEPTH && isDeeper(value, MAX_DEPTH)) {
    throw new MalformedPayloadError(`Cannot read vumi ${what}: nests deeper than ${MAX_DEPTH}`);
  }
  let read = schema.safeParse(value);
  if (!read.success) read = schema.safeParse(loosened(value, body));
  if (read.success) return read.data;
  const faults = read.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`
  );
  throw new MalformedPayloadError(`Cannot read vumi ${what}: ${faults.join("; ")}`);
}

/** The same object with texts where texts belong. */
function loosened(value: unknown, body: Uint8Array): unknown {
  if (typeof value !== "object" || value === null) return value;
  const fields: Record<string, unknown> = { ...value };
  const numbers = numbersAsWritten(body);
  for (const name of TEXTS) {
    const field = fields[name];
    if (typeof field === "number") fields[name] = numbers[name] ?? String(field);
    else if (typeof field === "boolean") fields[name] = field ? "True" : "False";
    else if (typeof field === "object" && field !== null) fields[name] = JSON.stringify(field);
  }
  for (const name of METADATA) {
    // Python makes a dictionary of both.
    const field = fields[name];
    if (field === "" || Array.isArray(field) && field.length === 0) fields[name] = {};
  }
  return fields;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
