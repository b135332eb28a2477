/**
 * A first configuration file, in YAML: every key with its meaning; those without a given value are
 * commented out, with their defaults.
 *
 * @module
 */

import { type ConfigKey, configKeys } from "./keys.ts";

const WIDTH = 96;

/** The file's text; `values` are by the keys' paths. */
export function configTemplate(values: Readonly<Record<string, string>>): string {
  const groups = Map.groupBy(configKeys(), ({ group }) => group);
  const parts = [...groups].map(([group, keys]) => `## ${group}\n\n${section(keys, values)}`);
  return `${HEAD}\n${parts.join("\n")}`;
}

const HEAD = `# yaml-language-server: $schema=./config.schema.json
# Made by \`turn-channels init\`. Lines that are commented out show defaults. This file holds secrets:
# keep it readable by its owner only. \`turn-channels config-schema > config.schema.json\` makes the
# schema named above, with which editors complete keys.
`;

function section(keys: readonly ConfigKey[], values: Readonly<Record<string, string>>): string {
  return parts(keys, values, { depth: 1, indent: "" }).join("\n");
}

interface Place {
  readonly depth: number;
  readonly indent: string;
}

function parts(
  keys: readonly ConfigKey[],
  values: Readonly<Record<string, string>>,
  place: Place,
): readonly string[] {
  const parents = Map.groupBy(keys, ({ path }) => path.split(".").slice(0, place.depth).join("."));
  return [...parents].map(([path, inner]) =>
    inner[0]?.path === path
      ? entry(inner[0], values[path], place.indent)
      : group(path, inner, values, place)
  );
}

/** A group without a set key is commented out as a whole, as it would be null in YAML. */
function group(
  path: string,
  keys: readonly ConfigKey[],
  values: Readonly<Record<string, string>>,
  { depth, indent }: Place,
): string {
  const isOff = indent.includes("#") || !keys.some(({ path }) => values[path] !== undefined);
  const before = isOff && !indent.includes("#") ? `${indent}# ` : indent;
  const inner = parts(keys, values, { depth: depth + 1, indent: `${before}  ` });
  return `${before}${nameOf(path)}:\n${inner.join("")}`;
}

function entry(key: ConfigKey, value: string | undefined, indent: string): string {
  const note = wrap(`${key.description} Value: ${key.type}.`, WIDTH - indent.length)
    .map((line) => `${indent}# ${line}\n`);
  const off = value === undefined && !indent.includes("#") ? "# " : "";
  const shown = value === undefined ? standard(key) : JSON.stringify(value);
  return `${note.join("")}${indent}${off}${nameOf(key.path)}:${shown === "" ? "" : ` ${shown}`}\n`;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

/** Quoted if YAML would read it as something else. */
function standard({ defaultText }: ConfigKey): string {
  return /^[\w.-]*$|^["[]/.test(defaultText) ? defaultText : JSON.stringify(defaultText);
}

function wrap(text: string, width: number): readonly string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
