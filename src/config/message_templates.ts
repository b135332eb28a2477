// The words of WhatsApp's templates, as the key `templates` has them: `name: {text, buttons}`, in which
// a language may have words of its own. Each fault has the path of what is wrong, and its value.

import * as z from "zod";
import { isTree, type Tree } from "./file.ts";
import { fromJson, type JsonSchema, kind } from "./kinds.ts";

/** The words of a template. */
export interface MessageTemplate {
  /** With `{{1}}` and so on for what Turn sends along. */
  readonly text: string;
  /** Titles of its quick replies, in order. */
  readonly buttons: readonly string[];
}

/** Templates by `name`, or by `name.language` where a language has words of its own. */
export type MessageTemplates = Readonly<Record<string, MessageTemplate>>;

type Path = readonly (string | number)[];
type Refuse = (path: Path, value: unknown, expected: string) => void;
type Entry = readonly [string, MessageTemplate];

/** WhatsApp has no more. */
const MOST_BUTTONS = 10;
const MOST_PLACEHOLDERS = 50;

const MAPPING = "a mapping with text and, if the template has any, buttons";
const LANGUAGE = /^[a-z]{2,3}([_-][a-z0-9]+)*$/i;
const TITLE = /^(?!.*\{\{).*\S.*$/u;
const TITLES = `list of at most ${MOST_BUTTONS} titles, each on one line and without placeholders`;

const words = {
  text: { type: "string", minLength: 1 },
  buttons: {
    type: "array",
    items: { type: "string", minLength: 1 },
    maxItems: MOST_BUTTONS,
  },
};
const written: JsonSchema = {
  type: "object",
  additionalProperties: {
    type: "object",
    minProperties: 1,
    properties: words,
    additionalProperties: {
      type: "object",
      properties: words,
      required: ["text"],
      additionalProperties: false,
    },
  },
};

export const messageTemplates = kind(
  "mapping of names to {text, buttons}, also to {language: {text, buttons}}; as text in JSON",
  z.preprocess(fromJson, z.unknown()).transform((raw, context): MessageTemplates => {
    if (!isTree(raw)) {
      context.addIssue({ code: "custom" });
      return z.NEVER;
    }
    const refuse: Refuse = (path, value, expected) =>
      context.addIssue({ code: "custom", path: [...path], params: { value, expected } });
    return Object.fromEntries(set(raw).flatMap(([name, value]) => template(name, value, refuse)));
  }),
  { isMap: true, written },
);

/** The template's own words, and those of its languages. */
function template(name: string, value: unknown, refuse: Refuse): readonly Entry[] {
  if (name === "" || name.includes(".")) {
    refuse([name], name, "a template's name, not empty and without a dot");
    return [];
  }
  const expected = `${MAPPING}; or with such a mapping for each language`;
  if (!isTree(value)) {
    refuse([name], value, expected);
    return [];
  }
  const { text, buttons, ...languages } = Object.fromEntries(set(value));
  const own = text === undefined && buttons === undefined ? [] : [{ text, buttons }];
  if (own.length === 0 && Object.keys(languages).length === 0) refuse([name], value, expected);
  return [
    ...own.flatMap((tree) => wordsOf(name, [name], tree, refuse)),
    ...Object.entries(languages).flatMap(([language, tree]) =>
      inLanguage(name, language, tree, refuse)
    ),
  ];
}

function inLanguage(name: string, language: string, value: unknown, refuse: Refuse) {
  const path = [name, language];
  if (!LANGUAGE.test(language)) {
    refuse(path, value, "text, buttons, or the code of a language, such as en or pt_BR");
    return [];
  }
  if (!isTree(value)) {
    refuse(path, value, MAPPING);
    return [];
  }
  const { text, buttons, ...others } = Object.fromEntries(set(value));
  for (const [key, other] of Object.entries(others)) {
    refuse([...path, key], other, "only text and buttons in a language");
  }
  return wordsOf(path.join("."), path, { text, buttons }, refuse);
}

function wordsOf(
  name: string,
  path: Path,
  { text, buttons = [] }: Tree,
  refuse: Refuse,
): readonly Entry[] {
  if (text === undefined) refuse(path, { buttons }, MAPPING);
  else if (!isText(text) || text.trim() === "") refuse([...path, "text"], text, "text, not empty");
  else {
    const expected = placeholdersInstead(text);
    if (expected !== undefined) refuse([...path, "text"], text, expected);
  }
  if (!Array.isArray(buttons) || buttons.length > MOST_BUTTONS) {
    refuse([...path, "buttons"], buttons, TITLES);
    return [];
  }
  for (const [index, title] of buttons.entries()) {
    if (isText(title) && TITLE.test(title)) continue;
    refuse([...path, "buttons", index], title, "title on one line, without placeholders");
  }
  return isText(text) ? [[name, { text, buttons: buttons.filter(isText) }]] : [];
}

/** What is expected of the text's placeholders; undefined if they are as they should be. */
function placeholdersInstead(text: string): string | undefined {
  const placeholder = /\{\{([^]*?)\}\}/g;
  const inner = [...text.matchAll(placeholder)].map(([, between = ""]) => between);
  const expected = `text with placeholders {{1}}, {{2}} and so on, without a gap, at most ` +
    `{{${MOST_PLACEHOLDERS}}}`;
  const wrong = inner.find((between) =>
    !/^[1-9]\d?$/.test(between) || Number(between) > MOST_PLACEHOLDERS
  );
  if (wrong !== undefined) {
    // What is between may be anything, also a secret in the wrong place.
    return /^[\w .-]{0,20}$/.test(wrong) ? `${expected}; not {{${wrong}}}` : expected;
  }
  const rest = text.replaceAll(placeholder, " ");
  if (rest.includes("{{")) return `${expected}; one has no }} at its end`;
  if (rest.includes("}}")) return `${expected}; one has no {{ before it`;
  const numbers = new Set(inner.map(Number));
  const missing = [...numbers].sort((a, b) => a - b).findIndex((number, index) =>
    number !== index + 1
  );
  return missing < 0 ? undefined : `${expected}; {{${missing + 1}}} is missing`;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

/** What is set: as elsewhere, `null` sets nothing. */
function set(tree: Tree): readonly (readonly [string, unknown])[] {
  return Object.entries(tree).filter(([, value]) => value !== null);
}
