// What each type of Turn's messages says on a phone.

import type { TurnMessage } from "../turn/mod.ts";
import type { TextEncoding } from "./encode.ts";
import { withoutMarkup } from "./markup.ts";
import { menuLine, type Option } from "./menu.ts";
import { fillTemplate, type Templates } from "./template.ts";

/** Where a message is shown: on a screen of USSD, or by SMS. */
export type Medium = "sms" | "ussd";

/** What has a file, and maybe a caption. */
export type MediaType = "image" | "video" | "audio" | "document";

/** How {@linkcode showMessage} shows messages. */
export interface ShowOptions {
  /** Where. */
  readonly medium: Medium;
  /** The encoding of SMS; as it is, a text keeps its markup. */
  readonly textEncoding: TextEncoding;
  /** What stands, in brackets, for what a phone can't show. */
  readonly words: Readonly<Record<MediaType, string>>;
  /** The words of templates. */
  readonly templates: Templates;
  /** How many options stand before its own, in another message on the same screen; 0 by default. */
  readonly optionsBefore?: number;
}

/** What a message says. */
export type Shown =
  /** `options` are in the text already, numbered from 1, or on. */
  | { readonly kind: "shown"; readonly text: string; readonly options: readonly Option[] }
  /** A sticker or a reaction: a flow goes on without it. */
  | { readonly kind: "not_shown" }
  /** It says nothing that a phone can show; `details` and `field` are for Turn. */
  | { readonly kind: "without_words"; readonly details: string; readonly field: string };

type Media = Extract<TurnMessage, { type: "image" }>["image"];
type Interactive = Extract<TurnMessage, { type: "interactive" }>["interactive"];
type Contacts = Extract<TurnMessage, { type: "contacts" }>["contacts"];

/** Words that are a line, or more, of their own; those that aren't there leave none. */
type Part = string | null | undefined;

/** What `message` says; `content` are the words that Turn sends beside it, if it does. */
export function showMessage(
  message: TurnMessage,
  content: string | null | undefined,
  options: ShowOptions,
): Shown {
  if (message.type === "sticker" || message.type === "reaction") return { kind: "not_shown" };
  if (message.type === "text") {
    // By SMS it goes out as it came; on USSD nobody can be shown nothing.
    const { body } = message.text;
    if (options.medium === "sms") return shown(body, [], options);
    if (body.trim() !== "") return shown(body.trim(), [], options);
  }
  const menu: Option[] = [];
  const text = joined(partsOf(message, menu, options));
  if (text !== "") return shown(text, menu, options);
  const instead = joined([content]);
  return instead === "" ? withoutWords(message) : shown(instead, [], options);
}

function shown(
  text: string,
  menu: readonly Option[],
  { medium, textEncoding }: ShowOptions,
): Shown {
  const keepsMarkup = medium === "sms" && textEncoding === "as_is";
  return { kind: "shown", text: keepsMarkup ? text : withoutMarkup(text), options: menu };
}

function joined(parts: readonly Part[]): string {
  return parts.map((part) => part?.trim()).filter(Boolean).join("\n");
}

/** The parts of a message; its options come into `menu`. */
function partsOf(message: TurnMessage, menu: Option[], options: ShowOptions): readonly Part[] {
  switch (message.type) {
    case "interactive":
      return interactiveParts(message.interactive, menu, options);
    case "image":
      return mediaParts("image", message.image, options);
    case "video":
      return mediaParts("video", message.video, options);
    case "audio":
      return mediaParts("audio", message.audio, options);
    case "document":
      return mediaParts("document", message.document, options);
    case "location": {
      const { name, address, latitude, longitude } = message.location;
      const [north, east] = [degrees(latitude), degrees(longitude)];
      return [name, address, north === "" || east === "" ? null : `${north}, ${east}`];
    }
    case "contacts":
      return contactParts(message.contacts);
    case "template": {
      const filled = fillTemplate(message.template, options.templates);
      if (filled === undefined) return [];
      return [filled.text, ...menuParts(filled.options, menu, options)];
    }
    default:
      return [];
  }
}

function interactiveParts(message: Interactive, menu: Option[], options: ShowOptions): Part[] {
  const { header, body, footer } = message;
  const pictures = (["image", "video", "document"] as const).flatMap((type) => {
    const media = header?.[type];
    return media ? mediaParts(type, media, options) : [];
  });
  return [
    ...[header?.text, ...pictures, body?.text],
    ...actionParts(message, menu, options),
    footer?.text,
  ];
}

function actionParts(message: Interactive, menu: Option[], options: ShowOptions): readonly Part[] {
  switch (message.type) {
    case "button": {
      const buttons = message.action.buttons.map(({ reply }) => reply);
      return menuParts(buttons.map((reply) => ({ kind: "button", ...reply })), menu, options);
    }
    case "list": {
      const { sections } = message.action;
      return sections.flatMap(({ title, rows }) => [
        sections.length > 1 && rows.length > 0 ? title : null,
        ...menuParts(rows.map((row) => ({ kind: "list", ...row })), menu, options),
      ]);
    }
    case "cta_url": {
      const { display_text, url } = message.action.parameters;
      return [[display_text?.trim(), url?.trim()].filter(Boolean).join(": ")];
    }
    case "carousel":
      return message.action.cards.map(({ body }) => body?.text);
    case "other":
      return [];
  }
}

/** `added` as lines, and in `menu`, whose numbers run through. */
function menuParts(
  added: readonly Option[],
  menu: Option[],
  { medium, optionsBefore = 0 }: ShowOptions,
): string[] {
  return added.map((option) => {
    return menuLine(option, optionsBefore + menu.push(option), medium === "sms");
  });
}

function mediaParts(
  type: MediaType,
  { caption, filename, link }: Media,
  { medium, words }: ShowOptions,
): readonly Part[] {
  const name = type === "document" ? filename?.trim() : "";
  const instead = `[${words[type]}${name ? `: ${name}` : ""}]`;
  const hasLink = medium === "sms" && /^\s*https?:\/\//i.test(link ?? "");
  return [caption?.trim() || instead, hasLink ? link : null];
}

/** As many phones as are shown. */
const PHONES = 3;

function contactParts(contacts: Contacts): readonly Part[] {
  let left = PHONES;
  return contacts.flatMap(({ name, phones }) => {
    const numbers = (phones ?? []).flatMap(({ phone }) => phone?.trim() || []);
    const shown = numbers.slice(0, left);
    left -= shown.length;
    // Whose phones are too many has no line; who has none has the name.
    const parts: readonly (string | null)[] = numbers.length > 0 ? shown : [null];
    return parts.map((phone) => [name?.formatted_name?.trim(), phone].filter(Boolean).join(": "));
  });
}

/** A number of degrees, as Turn wrote it, without an exponent; empty if there is none. */
function degrees(value: string | number | null | undefined): string {
  if (typeof value !== "number") return value?.trim() ?? "";
  return value.toLocaleString("en-US", { useGrouping: false, maximumFractionDigits: 20 });
}

function withoutWords(message: TurnMessage): Shown {
  const nameless = (field: string, what: string): Shown => {
    return { kind: "without_words", details: `${what} has no words that a phone can show`, field };
  };
  switch (message.type) {
    case "other":
      return nameless("turn.type", `A message of type ${quoted(message.name)}`);
    case "interactive": {
      const { interactive } = message;
      const type = interactive.type === "other" ? interactive.name : interactive.type;
      return nameless("turn.interactive.type", `An interactive message of type ${quoted(type)}`);
    }
    case "template":
      return {
        kind: "without_words",
        details: `The template ${quoted(message.template.name)} has no words that a phone can ` +
          'show; "templates" in the configuration can give it some, for the values that Turn sends',
        field: "turn.template.name",
      };
    default:
      return nameless(`turn.${message.type}`, `A message of type ${quoted(message.type)}`);
  }
}

/** Cut, as it may be anything. */
function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 50));
}
