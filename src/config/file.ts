// The configuration file: from its name to a tree of values. YAML 1.2, and so JSON too.

import { type Document, LineCounter, parseDocument, visit } from "yaml";
import type { Fault } from "./faults.ts";
import { type ReadFile, readText } from "./text_file.ts";

export type Tree = Readonly<Record<string, unknown>>;

/** @param source The flag or variable that named the file. */
export async function readConfigFile(path: string, source: string, readFile: ReadFile) {
  const faulty = (expected: string): { readonly tree: Tree; readonly fault?: Fault } => ({
    tree: {},
    fault: { key: "config file", value: path, expected, source },
  });
  const file = await readText(path, readFile);
  if (file.kind === "faulty") return faulty(file.expected);
  const read = parse(file.text);
  if (typeof read === "string") return faulty(`YAML or JSON: ${read}`);
  return isTree(read.value) ? { tree: read.value } : faulty("a mapping of keys to values");
}

/**
 * The file's value, or what is wrong with it: not in the words of the parser, which quotes from the
 * file. A file without any value counts as an empty mapping.
 */
function parse(text: string): { readonly value: unknown } | string {
  const lineCounter = new LineCounter();
  // `merge` because vumi2 reads YAML 1.1, which has `<<`; `logLevel` so that nothing is printed.
  const options = { lineCounter, merge: true, logLevel: "error", prettyErrors: false } as const;
  const document = parseDocument(text, options);
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    return `line ${line}, column ${col}: ${error.code.toLowerCase().replaceAll("_", " ")}`;
  }
  keepNumbersAsWritten(document);
  try {
    return { value: document.toJS() ?? {} };
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
