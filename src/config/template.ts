// A first configuration file, in YAML: every key with its meaning. Those without a given value are
// commented out, with their defaults, but for what depends on the network and on people's language.

import { type ConfigKey, configKeys } from "./keys.ts";
import { wrap } from "./wrap.ts";

const WIDTH = 96;

type Values = Readonly<Record<string, string>>;

/** Keys with whose defaults few will be content, and which therefore stand ready to be changed. */
const OFTEN_CHANGED = [
  "text_encoding",
  "ussd.page_chars",
  "ussd.more_text",
  "words.picture",
  "words.video",
  "words.voice_message",
  "words.document",
];

/** The same on a channel of USSD. */
const OFTEN_CHANGED_ON_USSD = [
  "ussd.sorry_text",
  "ussd.start_text",
  "ussd.continue_text",
  "ussd.restart_text",
];

/** What says more than a default: how a map is written. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  "ussd.answer_deadlines": ["  Vodacom: 6"],
  "ussd.start_texts": ['  "*120*8864*3#": register'],
  templates: [
    "  clinic_visit:",
    '    text: "Dear {{1}}, you are expected at the clinic on {{2}}."',
    '    buttons: ["I will come", "Another day"]',
    "    fr:",
    '      text: "Bonjour {{1}}, la clinique vous attend le {{2}}."',
    '      buttons: ["Je viens", "Un autre jour"]',
  ],
};

/** The file's text; `values` are by the keys' paths. */
export function configTemplate(values: Readonly<Record<string, string>>): string {
  const groups = Map.groupBy(configKeys, ({ group }) => group);
  const parts = [...groups].map(([group, keys]) => `## ${group}\n\n${section(keys, values)}`);
  return `${HEAD}\n${parts.join("\n")}`;
}

/** The same in JSON, which has no comments: only what is set. */
export function configJson(values: Readonly<Record<string, string>>): string {
  const tree = { $schema: "./config.schema.json", ...nested(values) };
  return `${JSON.stringify(tree, undefined, 2)}\n`;
}

/** Values by paths as a tree. */
export function nested(values: Values): Readonly<Record<string, unknown>> {
  const tree: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const groups = path.split(".");
    const name = groups.pop() ?? "";
    let group = tree;
    // What is made here are groups only.
    for (const part of groups) group = (group[part] ??= {}) as Record<string, unknown>;
    group[name] = value;
  }
  return tree;
}

const HEAD = `# yaml-language-server: $schema=./config.schema.json
# Made by \`turn-channels init\`. Lines that are commented out show defaults. This file holds secrets:
# keep it readable by its owner only. \`turn-channels config-schema > config.schema.json\` makes the
# schema named above, with which editors complete keys.
`;

function section(keys: readonly ConfigKey[], values: Values): string {
  const blocks = Map.groupBy(keys, ({ path }) => path.split(".")[0]);
  return [...blocks.values()]
    .map((block) => block.flatMap((key, index) => lines(key, block[index - 1], values)))
    .map((block) => `${block.join("\n")}\n`)
    .join("\n");
}

/** The lines of a key and its meaning, with headings of groups in which the key before it is not. */
function lines(key: ConfigKey, before: ConfigKey | undefined, values: Values): string[] {
  const { path, description, type } = key;
  const names = path.split(".");
  const groups = names.slice(1).map((_, depth) => names.slice(0, depth + 1).join("."));
  const group = groups.at(-1);
  const indent = group === undefined ? "" : `${margin(group, values)}  `;
  const example = values[path] === undefined ? EXAMPLES[path] : undefined;
  const value = values[path] === undefined ? standard(key) : JSON.stringify(values[path]);
  const written = value === "" || example !== undefined ? "" : ` ${value}`;
  return [
    ...groups.filter((group) => !before?.path.startsWith(`${group}.`))
      .map((group) => `${margin(group, values)}${nameOf(group)}:`),
    ...wrap(`${description} Value: ${type}.`, WIDTH - indent.length)
      .map((line) => `${indent}# ${line}`),
    `${margin(path, values)}${nameOf(path)}:${written}`,
    ...example?.map((line) => margin(path, values) + line) ?? [],
  ];
}

/** The indent of a key; a group of which no key is written is commented out, or it would be null. */
function margin(path: string, values: Values): string {
  const parts = path.split(".");
  const off = parts.findIndex((_, depth) => {
    const part = parts.slice(0, depth + 1).join(".");
    return !isAnyWritten(part, values);
  });
  const depth = parts.length - 1;
  return off < 0 ? "  ".repeat(depth) : `${"  ".repeat(off)}# ${"  ".repeat(depth - off)}`;
}

/** Whether this key, or one in this group, is no comment. */
function isAnyWritten(part: string, values: Values): boolean {
  const often = values.transport_type === "ussd"
    ? [...OFTEN_CHANGED, ...OFTEN_CHANGED_ON_USSD]
    : OFTEN_CHANGED;
  return [...Object.keys(values), ...often].some((name) => `${name}.`.startsWith(`${part}.`));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

/** The default in YAML, quoted if it would be read as something else. */
function standard({ defaultText }: ConfigKey): string {
  return /^[\w.-]*$|^["[]/.test(defaultText) ? defaultText : JSON.stringify(defaultText);
}
