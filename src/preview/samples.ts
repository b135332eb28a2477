// Samples for what a flow gets from elsewhere while it runs: the file that is written with what is
// asked for, and what is read from it.

import { parse } from "yaml";
import { parseJson } from "../async/mod.ts";
import type { Language } from "./container.ts";
import { nameOf } from "./expressions.ts";

/** A text, or several: a menu's options. */
export type Words = string | readonly string[];

/** What expressions say, by their source; in one language or in all. */
export type Samples = ReadonlyMap<string, Words | ReadonlyMap<string, Words>>;

/** Reads samples from JSON or YAML; or says what is wrong with them. */
export function readSamples(bytes: Uint8Array): Samples | string {
  const value = parseJson(bytes) ?? yamlOf(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return "it is no mapping of expressions to samples, in JSON or YAML";
  }
  const samples = new Map<string, Words | ReadonlyMap<string, Words>>();
  for (const [source, given] of Object.entries(value)) {
    const words = wordsOf(given) ?? wordsByLanguage(given);
    if (words === undefined) {
      return `${nameOf(source)} is no text, no list of texts and none of these for each language`;
    }
    samples.set(source, words);
  }
  return samples;
}

function yamlOf(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return parse(text, { logLevel: "silent" });
  } catch {
    return undefined;
  }
}

function wordsByLanguage(given: unknown): ReadonlyMap<string, Words> | undefined {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return undefined;
  const each = new Map<string, Words>();
  for (const [language, value] of Object.entries(given)) {
    const words = wordsOf(value);
    if (words === undefined) return undefined;
    each.set(language, words);
  }
  return each;
}

function wordsOf(given: unknown): Words | undefined {
  if (typeof given === "string") return given;
  if (typeof given === "number" || typeof given === "boolean") return String(given);
  // What is not filled in, in YAML.
  if (given === null) return "";
  if (!Array.isArray(given)) return undefined;
  const texts = given.map(wordsOf).filter((words) => typeof words === "string");
  return texts.length === given.length ? texts : undefined;
}

/** What `source` says in a language; undefined if no sample says it. */
export function sampleOf(samples: Samples, source: string, language: Language): Words | undefined {
  const given = samples.get(source);
  const words = given instanceof Map
    ? given.get(language.code) ?? given.get(language.name)
    : given as Words | undefined;
  // An empty one was not filled in.
  return words === undefined || words.length === 0 ? undefined : words;
}

/** What expressions of a file's flows need samples. */
export class Wanted {
  readonly #wanted = new Map<string, { readonly codes: Set<string>; isList: boolean }>();

  add(source: string, { code }: Language, isList = false): void {
    const known = this.#wanted.get(source) ?? { codes: new Set(), isList };
    known.codes.add(code);
    this.#wanted.set(source, known);
  }

  /** A file to be filled in, with what is known already. */
  skeleton(samples: Samples): string {
    const entries = [...this.#wanted].map(([source, { codes, isList }]) => {
      const empty = isList ? [] : "";
      const given = samples.get(source);
      if (given !== undefined && !(given instanceof Map)) return [source, given];
      if (given === undefined && codes.size === 1) return [source, empty];
      const each = new Map<string, Words>([...codes].map((code) => [code, empty]));
      return [source, Object.fromEntries([...each, ...given ?? []])];
    });
    const others = [...samples].filter(([source]) => !this.#wanted.has(source))
      .map(([source, given]) => [source, given instanceof Map ? Object.fromEntries(given) : given]);
    return `${JSON.stringify(Object.fromEntries([...entries, ...others]), undefined, 2)}\n`;
  }
}
