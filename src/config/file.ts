// The configuration file: from its name to a tree of values. YAML 1.2, and so JSON too.

import { type Document, LineCounter, parseDocument, visit } from "yaml";
import type { Fault } from "./faults.ts";
import { type ReadFile, readText } from "./text_file.ts";
import { syntaxFault, unquoted } from "./yaml_faults.ts";

export type Tree = Readonly<Record<string, unknown>>;

/**
 * @param source The flag or variable that named the file.
 * @param isPublic Whether what stands at a path of the file may be shown.
 */
export async function readConfigFile(
  path: string,
  source: string,
  readFile: ReadFile,
  isPublic: (path: string) => boolean,
) {
  const faulty = (expected: string): ConfigFile => ({
    tree: {},
    faults: [{ key: "config file", value: path, expected, source }],
    isRead: false,
  });
  const file = await readText(path, readFile);
  if (file.kind === "faulty") return faulty(file.expected);
  const read = parse(file.text, `file ${path}`, isPublic);
  if (typeof read === "string") return faulty(`YAML or JSON: ${read}`);
  const { value, faults } = read;
  return isTree(value)
    ? { tree: value, faults, isRead: true }
    : faulty("a mapping of keys to values");
}

interface ConfigFile {
  readonly tree: Tree;
  readonly faults: readonly Fault[];
  /** Whether the tree is what the file holds, and not empty for a fault. */
  readonly isRead: boolean;
}

/** The file's value, or what is wrong with it. A file without any value counts as an empty mapping. */
function parse(text: string, source: string, isPublic: (path: string) => boolean) {
  const lineCounter = new LineCounter();
  // `merge` because vumi2 reads YAML 1.1, which has `<<`; `logLevel` so that nothing is printed.
  const options = { lineCounter, merge: true, logLevel: "error", prettyErrors: false } as const;
  const document = parseDocument(text, options);
  const fault = syntaxFault(document, lineCounter, text);
  if (fault !== undefined) return fault;
  const faults = unquoted(document, lineCounter, text, source, isPublic);
  keepNumbersAsWritten(document);
  try {
    const value: unknown = document.toJS() ?? {};
    return { value, faults };
  } catch {
    return "an alias (*name) without its anchor (&name), or too many of them";
  }
}

/** Turns numbers into their text in the file, so that an address 0800 without quotes keeps its 0. */
function keepNumbersAsWritten(document: Document): void {
  visit(document, {
    Scalar(_, node): void {
      if (typeof node.value === "number" && node.source !== undefined) node.value = node.source;
    },
  });
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
