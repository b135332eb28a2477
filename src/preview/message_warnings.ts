// What there is to say of one message, wherever it is shown: what has no words, a template's text, what
// nobody can know of it, and its options' titles.

import { isKey, readAs } from "../content/mod.ts";
import type { Language } from "./container.ts";
import type { Said } from "./messages.ts";
import type { PhoneOptions } from "./screens.ts";
import { named, type Warning, warningAt, type WarningKind } from "./warnings.ts";

const RUN_WITH_VALUES = "Give samples: --write-values FILE, fill it in, then --values FILE.";

/** What there is to say of one message, wherever it is shown. */
export function messageWarnings(
  said: Said,
  { name: language }: Language,
  medium: "ussd" | "sms",
  options: PhoneOptions,
): readonly Warning[] {
  const found: Warning[] = [];
  const warn = (kind: WarningKind, message: string, remedy: string) =>
    found.push(warningAt(said.block, language, kind, message, remedy));
  for (const what of said.wordless) {
    if (what === "sticker") {
      warn("says_nothing", "A sticker is not shown at all.", "Say it in words.");
    } else if (what === "words") {
      const where = language === "" ? "" : ` in ${language}`;
      warn("says_nothing", `It has no words${where}.`, "Write some, or leave it out.");
    } else if (medium === "ussd" || !hasLink(said)) {
      const shown = `[${options.words[what]}]`;
      warn(
        "says_nothing",
        `The ${NAMES[what]} says nothing on a phone: people see ${shown}.`,
        said.what === "message" || said.what === "question"
          ? "Say in its caption what it shows, or leave it out."
          : "Say in the text what it shows, and leave it out.",
      );
    }
  }
  if (said.template !== undefined) warnOfTemplate(said, options, warn);
  if (said.unknown.length > 0 && said.template?.isKnown !== false) {
    const names = named([...new Set(said.unknown.map(({ name }) => name))]);
    warn(
      "unknown_length",
      `Its length is not known: what ${names} ${said.unknown.length > 1 ? "say" : "says"} ` +
        "is not in the export.",
      RUN_WITH_VALUES,
    );
  }
  warnOfTitles(said, medium === "ussd" ? options.pages.moreKey : undefined, warn);
  return found;
}

const NAMES = {
  image: "picture",
  video: "video",
  audio: "voice message",
  document: "document",
} as const;

type Warn = (kind: WarningKind, message: string, remedy: string) => void;

function hasLink({ message }: Said): boolean {
  return /"link":"https?:\/\//.test(JSON.stringify(message));
}

function warnOfTemplate(
  { message, template }: Said,
  { templates }: PhoneOptions,
  warn: Warn,
): void {
  if (template === undefined || message.type !== "template") return;
  const { name, isKnown } = template;
  if (!isKnown) {
    const text = `Which template it is, ${name}, is not in the export.`;
    return warn("template_without_text", text, RUN_WITH_VALUES);
  }
  const words = templates.get(`${name}.${message.template.language?.code}`) ?? templates.get(name);
  const nothing =
    "so it says what Turn sends as its `content`, and without that Turn is answered 422";
  if (words === undefined) {
    const remedy = `Set templates.${name} in the configuration: text, and buttons if it has any.`;
    const text = `The template ${name} has no text in the configuration, ${nothing}.`;
    return warn("template_without_text", text, remedy);
  }
  const body = message.template.components?.find(({ type }) => type.toLowerCase() === "body");
  const places = [...words.text.matchAll(/\{\{\s*(\d+)\s*\}\}/g)].map(([, place]) => Number(place));
  if (Math.max(0, ...places) > (body?.parameters?.length ?? 0)) {
    warn(
      "template_without_text",
      `The template ${name} has more placeholders in the configuration than the flow fills in, ` +
        `${nothing}.`,
      `Make templates.${name}.text and the flow agree.`,
    );
  }
}

/** @param moreKey The key for more, where there is one. */
function warnOfTitles({ titles }: Said, moreKey: string | undefined, warn: Warn): void {
  const read = new Map<string, number>();
  for (const [index, title] of titles.entries()) {
    if (title === undefined) continue;
    const key = readAs(title);
    const before = read.get(key);
    if (before !== undefined) {
      const beginning = [...title.trim()].slice(0, 20).join("");
      warn(
        "same_options",
        `Options ${before + 1} and ${index + 1} read the same within 20 characters: ` +
          `"${beginning}".`,
        "Begin them differently, so that people can tell them apart.",
      );
    } else read.set(key, index);
    const number = titles.findIndex((_, other) => isKey(title, String(other + 1)));
    if (number >= 0 && number !== index) {
      warn(
        "number_keyword",
        `Option ${index + 1} reads "${title.trim()}": who types that picks option ${number + 1}.`,
        "Put it in the place of its number, or write it in words.",
      );
    } else if (moreKey !== undefined && isKey(title, moreKey)) {
      const text = `Option ${index + 1} reads "${title.trim()}", which brings the next page.`;
      warn("number_keyword", text, "Write it in words, or set another ussd.more_key.");
    }
  }
}
