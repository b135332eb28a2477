// Flows as Turn exports them, FLOIP containers, from bytes to what is looked at of them. Read as
// leniently as can be: what can't be read is named and passed over, and the rest is read on.

import * as z from "zod";

/** Something that can't be read. */
export interface Unread {
  /** The file, as it was named. */
  readonly file: string;
  /** Where in the file; empty for the whole file. */
  readonly where: string;
  /** Why not. */
  readonly why: string;
}

/** A flow, with the texts of its container. */
export interface Flow {
  readonly file: string;
  /** By what other flows lead to it: its uuid, and of a container's first flow the container's. */
  readonly ids: readonly string[];
  readonly name: string;
  /** One at least. */
  readonly languages: readonly Language[];
  /** The uuid of the block that it begins with. */
  readonly first: string;
  /** By uuid, in the order of the file. */
  readonly blocks: ReadonlyMap<string, Block>;
  readonly resources: ReadonlyMap<string, readonly Value[]>;
  /** What the author's program says of what starts it; empty if it says nothing. */
  readonly trigger: string;
}

export interface Language {
  /** As values name it; empty if the flow names no language, and all values are meant. */
  readonly id: string;
  /** Three letters. */
  readonly code: string;
  readonly name: string;
}

/** What is done at one point of a flow. */
export interface Block {
  readonly uuid: string;
  readonly name: string;
  readonly type: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly exits: readonly Exit[];
  /** What authors call a step: the card that it came from, and the card's line. */
  readonly card: string;
  readonly line: number | undefined;
  /** The condition of the card. */
  readonly condition: string;
  /** The function that the author has called: `text`, `list_block`. */
  readonly item: string;
  readonly isList: boolean;
  readonly header: string;
  readonly footer: string;
}

export interface Exit {
  /** A condition; empty for none. */
  readonly test: string;
  /** The uuid of a block; empty if it leads nowhere. */
  readonly to: string;
}

/** A text, or where a picture is, in one language. */
export interface Value {
  readonly value: string;
  /** TEXT, IMAGE and so on. */
  readonly content: string;
  readonly mime: string;
  readonly language: string;
}

const words = z.string().catch("");
const list = z.array(z.unknown()).catch([]);
/** Not z.record, which copies each: there are tens of thousands. */
const tree = z.custom<Readonly<Record<string, unknown>>>((value) =>
  typeof value === "object" && value !== null && !Array.isArray(value)
).catch({});

const containerSchema = z.object({
  uuid: words,
  name: words,
  flows: z.array(z.unknown()),
  resources: list,
});
const flowSchema = z.object({
  uuid: words,
  name: words,
  label: words,
  languages: list,
  first_block_id: words,
  blocks: z.array(z.unknown()),
  vendor_metadata: z.unknown(),
});
const languageSchema = z.object({ id: words, label: words, iso_639_3: words });
const exitSchema = z.object({ test: words, destination_block: words });
const blockSchema = z.object({
  uuid: z.string().min(1),
  name: words,
  type: z.string().min(1),
  config: tree,
  exits: list,
  vendor_metadata: z.unknown(),
});
const resourceSchema = z.object({ uuid: z.string().min(1), values: list });
const valueSchema = z.object({
  value: z.union([z.string(), z.number()]).transform(String),
  content_type: words,
  mime_type: words,
  language_id: words,
});

const spoken = z.object({ header: words, footer: words }).optional().catch(undefined);
const NOTHING = { name: "", condition: "", trigger: "", meta: { line: undefined } };
const authorSchema = z.object({
  card: z.object({
    name: words,
    condition: words,
    trigger: words,
    meta: z.object({ line: z.number().int().positive().optional().catch(undefined) })
      .catch(NOTHING.meta),
  }).catch(NOTHING),
  card_item: z.object({ type: words }).catch({ type: "" }),
  trigger: words,
  buttons_metadata: spoken,
  list_metadata: spoken,
}).catch({ card: NOTHING, card_item: { type: "" }, trigger: "" });

/** More are in no flow, and each is shown. */
const MOST_LANGUAGES = 100;

/** Reads a file's flows, from its JSON; undefined stands for what is none. */
export function readContainer(
  file: string,
  json: unknown,
): { readonly flows: readonly Flow[]; readonly unread: readonly Unread[] } {
  const unread: Unread[] = [];
  const pass = (where: string, why: string) => void unread.push({ file, where, why });
  const container = containerSchema.safeParse(json);
  if (json === undefined) pass("", "it is not JSON in UTF-8");
  else if (!container.success) pass("", "it is no export of flows: it has no list of flows");
  if (!container.success) return { flows: [], unread };
  const resources = resourcesOf(container.data.resources, pass);
  const { name: whole, uuid: id, flows: values } = container.data;
  const flows = values.flatMap((value, index) => {
    const read = flowSchema.safeParse(value);
    if (!read.success) {
      pass(`flow ${index + 1}`, "it is no flow: it has no list of blocks");
      return [];
    }
    const { uuid, label, first_block_id: first } = read.data;
    const own = read.data.name || label || `flow ${index + 1}`;
    // Turn calls most flows "stack".
    const name = whole === "" || values.length > 1
      ? [whole, own].filter(Boolean).join(": ")
      : whole;
    const blocks = blocksOf(read.data.blocks, (where, why) => pass(`${name}, ${where}`, why));
    const { trigger } = authorOf(read.data.vendor_metadata);
    const languages = languagesOf(read.data.languages);
    const ids = [uuid, ...index === 0 ? [id] : []].filter((id) => id !== "");
    return [{ file, ids, name, languages, first, blocks, resources, trigger }];
  });
  return { flows, unread };
}

type Pass = (where: string, why: string) => void;

function resourcesOf(values: readonly unknown[], pass: Pass): ReadonlyMap<string, Value[]> {
  const resources = new Map<string, Value[]>();
  for (const [index, value] of values.entries()) {
    const read = resourceSchema.safeParse(value);
    if (!read.success) {
      pass(`resource ${index + 1}`, "it has no uuid");
      continue;
    }
    const known = read.data.values.flatMap((value) => {
      const { data } = valueSchema.safeParse(value);
      if (data === undefined) return [];
      const { value: text, content_type: content, mime_type: mime, language_id: language } = data;
      return [{ value: text, content: content.toUpperCase(), mime, language }];
    });
    resources.set(read.data.uuid, known);
  }
  return resources;
}

function blocksOf(values: readonly unknown[], pass: Pass): ReadonlyMap<string, Block> {
  const blocks = new Map<string, Block>();
  for (const [index, value] of values.entries()) {
    const { data } = blockSchema.safeParse(value);
    if (data === undefined) {
      pass(`block ${index + 1}`, "it has no uuid, or no type");
      continue;
    }
    const { uuid, name, type, config } = data;
    const { card, card_item, list_metadata, buttons_metadata } = authorOf(data.vendor_metadata);
    const exits = data.exits.flatMap((exit) => {
      const { data } = exitSchema.safeParse(exit);
      return data === undefined ? [] : [{ test: data.test, to: data.destination_block }];
    });
    blocks.set(uuid, {
      ...{ uuid, name, type, config, exits },
      card: card.name || name || type,
      line: card.meta.line,
      condition: `${card.trigger} ${card.condition}`.trim(),
      item: card_item.type,
      isList: list_metadata !== undefined || /list/.test(card_item.type),
      header: list_metadata?.header || buttons_metadata?.header || "",
      footer: list_metadata?.footer || buttons_metadata?.footer || "",
    });
  }
  return blocks;
}

function languagesOf(values: readonly unknown[]): readonly Language[] {
  const languages = values.slice(0, MOST_LANGUAGES).flatMap((value) => {
    const { data } = languageSchema.safeParse(value);
    if (data === undefined) return [];
    const { id, label, iso_639_3: code } = data;
    return [{ id: id || code, code, name: label || code }];
  });
  return languages.length > 0 ? languages : [{ id: "", code: "", name: "" }];
}

/** The author's view, in whatever version there is. */
function authorOf(metadata: unknown): z.output<typeof authorSchema> {
  let value = metadata;
  for (const name of ["io", "turn", "stacks_dsl"]) {
    value = tree.parse(value)[name];
  }
  return authorSchema.parse(Object.values(tree.parse(value))[0]);
}

/** The texts of a resource in a language; undefined if there is no such resource. */
export function valuesOf(
  { resources }: Flow,
  uuid: unknown,
  { id, code }: Language,
): readonly Value[] | undefined {
  if (typeof uuid !== "string") return undefined;
  const isMeant = ({ language }: Value) => {
    return id === "" || language === "" || language === id || language === code;
  };
  return resources.get(uuid)?.filter(isMeant);
}
