/**
 * Arbitrary parts of vumi's payloads, for properties.
 *
 * @module
 */

import fc from "fast-check";
import { formatTimestamp } from "../../src/vumi/mod.ts";

/** A timestamp in its full form. */
export const anyTimestamp: fc.Arbitrary<string> = fc.tuple(
  fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }),
  fc.integer({ min: 0, max: 999 }),
).map(([date, micros]) => formatTimestamp(date).slice(0, -3) + String(micros).padStart(3, "0"));

/** An object as others put it into metadata. `-0` is left out: JSON has none. */
export const metadata: fc.Arbitrary<Record<string, unknown>> = fc.dictionary(
  fc.string().filter((key) => key !== "__proto__"),
  fc.jsonValue({ noUnicodeString: false }),
).map((value) => JSON.parse(JSON.stringify(value)));

/** A value as it travels. */
export function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
