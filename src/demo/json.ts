/**
 * Payloads as a person likes to read them: JSON on one line where it fits, with long texts and ids
 * cut short.
 *
 * @module
 */

/** Stands for the fields that were left out; see {@linkcode abridge}. */
const MORE = "…";

const LONGEST_TEXT = 60;
const ID = /^[\da-f]{32}$/;
const ID_SHOWN = 8;

/** The named fields of `value`, in that order, and a sign that there are more. */
export function abridge<T extends object>(value: T, fields: readonly (keyof T & string)[]): object {
  return Object.fromEntries([...fields.map((field) => [field, value[field]]), [MORE, null]]);
}

/** A text that is too long to be read, cut; of an id the part that tells it from others is left. */
export function shorten(text: string): string {
  if (ID.test(text)) return `${text.slice(0, ID_SHOWN)}…`;
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

/** Writes `value` on one line if that has `width` characters at most, else a line for each field. */
export function formatJson(value: unknown, width: number): string {
  const line = inline(value);
  if (line.length <= width || !isObject(value) || Array.isArray(value)) return line;
  const lines = Object.entries(value).map(([key, field]) => {
    if (key === MORE) return MORE;
    const name = `${JSON.stringify(key)}: `;
    return name + formatJson(field, width - name.length - INDENT.length);
  });
  return `{\n${indent(lines.join(",\n"))}\n}`;
}

const INDENT = "  ";

/** Moves each line of `text` to the right. */
export function indent(text: string, by: string = INDENT): string {
  return text.replaceAll(/^/gm, by);
}

function inline(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shorten(value));
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? MORE;
  const fields = Object.entries(value).map(([key, field]) =>
    key === MORE ? MORE : `${JSON.stringify(key)}: ${inline(field)}`
  );
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
