/**
 * A configuration file to begin with, in YAML: every key with its meaning, those that are set as they
 * are set, and the others commented out with their defaults.
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
# Made by \`turn-channels init\`. What is commented out is the default. It holds secrets: keep it
# readable for its owner only. \`turn-channels config-schema > config.schema.json\` makes the schema
# named above, by which editors complete keys.
`;

function section(keys: readonly ConfigKey[], values: Readonly<Record<string, string>>): string {
  const parents = Map.groupBy(keys, ({ path }) => path.includes(".") ? path.split(".")[0] : path);
  return [...parents].map(([name = "", inner]) =>
    inner[0]?.path === name ? entry(inner[0], values[name], "") : group(name, inner, values)
  ).join("\n");
}

/** A group none of whose keys is set is commented out as well, for in YAML it would be null. */
function group(
  name: string,
  keys: readonly ConfigKey[],
  values: Readonly<Record<string, string>>,
): string {
  const isSet = keys.some(({ path }) => values[path] !== undefined);
  const inner = keys.map((key) => entry(key, values[key.path], isSet ? "  " : "#   "));
  return `${isSet ? "" : "# "}${name}:\n${inner.join("")}`;
}

function entry(key: ConfigKey, value: string | undefined, indent: string): string {
  const name = key.path.slice(key.path.lastIndexOf(".") + 1);
  const note = wrap(`${key.description} Value: ${key.type}.`, WIDTH - indent.length)
    .map((line) => `${indent}# ${line}\n`);
  const off = value === undefined && !indent.startsWith("#") ? "# " : "";
  const shown = value === undefined ? standard(key) : JSON.stringify(value);
  return `${note.join("")}${indent}${off}${name}:${shown === "" ? "" : ` ${shown}`}\n`;
}

/** Quoted where YAML would take it for something else, or for the beginning of it. */
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
