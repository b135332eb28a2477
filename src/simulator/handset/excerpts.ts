/**
 * What passes, as a page shows it: formatted, and cut to a size that a person looks at.
 *
 * @module
 */

import { parseJson } from "../../async/mod.ts";

const LONGEST_BODY = 6_000;
const LONGEST_TEXT = 600;
const MOST_HEADERS = 30;

/** A text, cut. */
export function excerpt(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

/** A payload as JSON, indented, and cut; a text that is JSON too. */
export function formatBody(value: unknown): string {
  const json = typeof value === "string" ? parseJson(value) : undefined;
  const text = JSON.stringify(json === undefined ? value : json, undefined, 2);
  return text.length > LONGEST_BODY ? `${text.slice(0, LONGEST_BODY)}\n…` : text;
}

/** Headers as pairs. */
export function headersOf(headers: Headers): readonly (readonly [string, string])[] {
  return [...headers].slice(0, MOST_HEADERS).map(([name, value]) => [name, excerpt(value)]);
}
