// A flow's block as the message that Turn sends for it, in one language, with samples filled in.

import type { MediaType } from "../content/mod.ts";
import type { TurnMessage } from "../turn/mod.ts";
import { type Block, type Flow, type Language, valuesOf } from "./container.ts";
import { type Expression, type Filled, fillIn, nameOf, unquoted } from "./expressions.ts";
import { type Media, mediaOf } from "./media.ts";
import { sampleOf, type Samples } from "./samples.ts";

/** What a block says. */
export interface Said {
  readonly block: Block;
  /** What it is, for people. */
  readonly what: string;
  readonly message: TurnMessage;
  readonly content: string | null;
  readonly waitingForUserInput: boolean;
  /** Expressions that are shown by their names, as nothing says what they will say. */
  readonly unknown: readonly Expression[];
  /** What has no words of its own. */
  readonly wordless: readonly Wordless[];
  /** Titles of its options, as far as they are known; undefined for others. */
  readonly titles: readonly (string | undefined)[];
  /** The template that it is, and whether the name is known. */
  readonly template?: { readonly name: string; readonly isKnown: boolean };
}

/** What a phone shows no words for, or words of ours. */
type Wordless = MediaType | "sticker" | "words";

/** What becomes of a block: a message, nothing, or that it can't be read. */
export type BlockRead =
  | { readonly kind: "said"; readonly said: Said }
  | { readonly kind: "silent" }
  | { readonly kind: "unread"; readonly why: string };

/** Types of blocks that show nothing. */
const SILENT = new Set([
  "Core.Case",
  "Core.Log",
  "Core.Output",
  "Core.RunFlow",
  "Core.SetContactProperty",
  "Core.SetGroupMembership",
  "Io.Turn.ScheduleFlow",
  "Io.Turn.SetMessageProperty",
  "Io.Turn.UpdateDictionary",
  "Io.Turn.Webhook",
]);

/** Types of blocks that are messages, by what they are for people. */
const SAYING: Readonly<Record<string, string>> = {
  "MobilePrimitives.Message": "message",
  "MobilePrimitives.OpenResponse": "question",
  "MobilePrimitives.NumericResponse": "question",
  "MobilePrimitives.SelectOneResponse": "choice",
  "Io.Turn.DynamicSelectOneResponse": "choice",
  "Io.Turn.WhatsAppTemplateMessage": "template",
  "Io.Turn.SendContentMessage": "content",
};

/** Whether a block is a message, whatever it says. */
export function isMessage({ type }: Block): boolean {
  return Object.hasOwn(SAYING, type);
}

/** What `block` says in `language`. */
export function readBlock(
  block: Block,
  flow: Flow,
  language: Language,
  samples: Samples,
): BlockRead {
  if (SILENT.has(block.type)) return { kind: "silent" };
  const what = SAYING[block.type];
  if (!isMessage(block) || what === undefined) {
    return { kind: "unread", why: `blocks of type ${block.type} are not known; it is passed over` };
  }
  const reading = new Reading(block, flow, language, samples);
  switch (what) {
    case "template":
      return reading.template();
    case "content":
      return reading.content();
    default:
      return reading.prompt(what);
  }
}

class Reading {
  readonly #block: Block;
  readonly #flow: Flow;
  readonly #language: Language;
  readonly #samples: Samples;
  readonly #unknown: Expression[] = [];

  constructor(block: Block, flow: Flow, language: Language, samples: Samples) {
    this.#block = block;
    this.#flow = flow;
    this.#language = language;
    this.#samples = samples;
  }

  prompt(what: string): BlockRead {
    const { config } = this.#block;
    const values = valuesOf(this.#flow, config.prompt, this.#language);
    if (values === undefined) return unread("its prompt is not among the file's resources");
    const media = values.flatMap((value) => mediaOf(value) ?? []);
    const texts = values.filter((value) => mediaOf(value) === undefined)
      .map(({ value }) => this.#fill(value));
    if (what === "choice") return this.#choice(texts, media);
    const words = texts.filter((text) => text.trim() !== "").join("\n");
    const [first] = media;
    const waits = what === "question";
    const said = this.#said(what, waits);
    if (first?.type === "sticker") {
      return { kind: "said", said: { ...said, message: first, wordless: ["sticker"] } };
    }
    if (first !== undefined) {
      const message = { type: first.type, [first.type]: { link: first.link, caption: words } };
      const wordless = words === "" ? [first.type] : [];
      // What TypeScript can't see: the one key is named by the type.
      return { kind: "said", said: { ...said, message: message as TurnMessage, wordless } };
    }
    const wordless: readonly Wordless[] = words === "" ? ["words"] : [];
    return { kind: "said", said: { ...said, message: textOf(words), wordless } };
  }

  #choice(texts: readonly string[], media: readonly Media[]): BlockRead {
    const { isList, header, footer } = this.#block;
    const [body = ""] = texts;
    const options = this.#options();
    if (typeof options === "string") return unread(options);
    const file = media.flatMap((each) => each.type === "sticker" ? [] : [each])[0];
    const parts = {
      header: {
        ...header !== "" && { text: this.#fill(header) },
        ...file !== undefined && { [file.type]: { link: file.link } },
      },
      body: { text: body },
      footer: { text: this.#fill(footer) },
    };
    const replies = options.map(({ title, id }) => ({ id, title }));
    const interactive = isList
      ? { type: "list" as const, ...parts, action: { sections: [{ rows: replies }] } }
      : {
        type: "button" as const,
        ...parts,
        action: { buttons: replies.map((reply) => ({ reply })) },
      };
    return {
      kind: "said",
      said: {
        ...this.#said(isList ? "list" : "buttons", true),
        message: { type: "interactive", interactive },
        wordless: file === undefined ? body.trim() === "" ? ["words"] : [] : [file.type],
        titles: options.map(({ title, isKnown }) => isKnown ? title : undefined),
      },
    };
  }

  /** A choice's options, or why they can't be read. */
  #options() {
    const { type, config } = this.#block;
    if (type === "Io.Turn.DynamicSelectOneResponse") {
      const { choice_expression: source } = config;
      if (typeof source !== "string") return "it has no expression for its options";
      const given = sampleOf(this.#samples, source, this.#language);
      const titles = given === undefined ? [] : typeof given === "string" ? [given] : given;
      if (titles.length > 0) return titles.map((title) => ({ id: title, title, isKnown: true }));
      this.#unknown.push({ source, name: nameOf(source), isList: true });
      return [{ id: "", title: nameOf(source), isKnown: false }];
    }
    if (!Array.isArray(config.choices)) return "it has no list of choices";
    const options: { id: string; title: string; isKnown: boolean }[] = [];
    for (const choice of config.choices) {
      const prompt: unknown = choice?.prompt;
      const value = valuesOf(this.#flow, prompt, this.#language)?.find((value) =>
        mediaOf(value) === undefined
      );
      const before = this.#unknown.length;
      const title = this.#fill(value?.value ?? "").trim();
      if (title === "") {
        return value === undefined && valuesOf(this.#flow, prompt, ANY) === undefined
          ? "an option of it is not among the file's resources"
          : `an option of it has no words in ${this.#language.name || "any language"}`;
      }
      options.push({ id: String(prompt), title, isKnown: this.#unknown.length === before });
    }
    return options;
  }

  template(): BlockRead {
    const { template } = this.#block.config;
    if (!isTree(template) || typeof template.name !== "string") {
      return unread("it names no template");
    }
    const before = this.#unknown.length;
    const name = this.#quoted(template.name);
    const isKnown = this.#unknown.length === before;
    const code = isTree(template.language) ? this.#quoted(template.language.code) : "";
    const components = listOf(template.components).map((component) => ({
      type: textOr(component.type),
      sub_type: textOr(component.sub_type) || null,
      index: textOr(component.index) || null,
      parameters: listOf(component.parameters)
        .filter(({ language }) => this.#isMeant(language, code))
        .map(({ text, payload }) => ({
          ...text !== undefined && { text: this.#quoted(text) },
          ...payload !== undefined && { payload: this.#quoted(payload) },
        })),
    }));
    const waits = components.some(({ sub_type }) => sub_type === "quick_reply");
    const said = this.#said("template", waits);
    const message: TurnMessage = {
      type: "template",
      template: { name, language: { code }, components },
    };
    return { kind: "said", said: { ...said, message, template: { name, isKnown } } };
  }

  /** Whether a template's parameter is for this language, as those of others are in the export too. */
  #isMeant(language: unknown, code: string): boolean {
    const others = this.#flow.languages.filter(({ id }) => id !== this.#language.id);
    return language === code ||
      !others.some(({ code, id }) => language === code || language === id);
  }

  content(): BlockRead {
    const { content } = this.#block.config;
    if (!isTree(content)) return unread("it names no content");
    const read = (uuid: unknown) => valuesOf(this.#flow, uuid, this.#language)?.[0]?.value ?? "";
    const source = `content ${read(content.uuid) || textOr(content.uuid)}`;
    const waits = this.#fill(read(content.wait_for_input)).toLowerCase() === "true";
    const given = sampleOf(this.#samples, source, this.#language);
    const text = typeof given === "string" ? given : given?.join("\n");
    if (text === undefined) this.#unknown.push({ source, name: "the content" });
    const said = this.#said("content", waits);
    return { kind: "said", said: { ...said, message: textOf(text ?? "@content") } };
  }

  #said(what: string, waitingForUserInput: boolean): Said {
    return {
      ...{ block: this.#block, what, waitingForUserInput, content: null },
      ...{ message: textOf(""), unknown: this.#unknown, wordless: [], titles: [] },
    };
  }

  #fill(text: string): string {
    const filled: Filled = fillIn(text, (source) => {
      const given = sampleOf(this.#samples, source, this.#language);
      return typeof given === "string" ? given : given?.join(", ");
    });
    this.#unknown.push(...filled.unknown);
    return filled.text;
  }

  #quoted(value: unknown): string {
    return this.#fill(unquoted(textOr(value)));
  }
}

const ANY: Language = { id: "", code: "", name: "" };

function textOf(body: string): TurnMessage {
  return { type: "text", text: { body } };
}

function unread(why: string): BlockRead {
  return { kind: "unread", why: `${why}; it is passed over` };
}

function textOr(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

type Tree = Readonly<Record<string, unknown>>;

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly Tree[] {
  return Array.isArray(value) ? value.filter(isTree) : [];
}
