// What is wrong with a file's YAML or JSON, in words that say what to do. The parser's own words quote
// from the file, and so may hold a secret.

import {
  type Alias,
  type Document,
  isCollection,
  isScalar,
  type LineCounter,
  Scalar,
  visit,
  type YAMLError,
} from "yaml";
import type { Fault } from "./faults.ts";

/** What people dial; under the key of a secret it may be one. */
const CODE = /^[0-9*#]{1,60}$/;

/** Keys of what people dial: elsewhere nothing but a comment that begins so is just an empty key. */
const CODE_KEY =
  /^(?:channels\[\d+\]\.)?(?:default_from_addr|sms_fallback\.from_addr|ussd\.(?:more_key|start_texts\..+))$/;

/** The first fault of syntax, with its place. */
export function syntaxFault(
  document: Document,
  lineCounter: LineCounter,
  text: string,
): string | undefined {
  const [error] = document.errors;
  if (error === undefined) return undefined;
  const { at, expected } = explain(error, document, text);
  const { line, col } = lineCounter.linePos(at);
  return `line ${line}, column ${col}: ${expected}`;
}

interface Explained {
  readonly at: number;
  readonly expected: string;
}

function explain(error: YAMLError, document: Document, text: string): Explained {
  const at = error.pos[0];
  const key = codeAsKey(text, at);
  if (key !== undefined) return { at: key, expected: "put quotes around a key that begins with *" };
  const words = EXPECTED[error.code]?.(text, at);
  const quoted = lastBefore(document, at, isQuoted);
  if (quoted !== undefined) {
    const [start, end] = quoted;
    const isOpen = error.code === "MISSING_CHAR" && /quote/.test(error.message);
    const spansLines = text.slice(start, end).includes("\n");
    if (isOpen || spansLines) {
      return { at: start, expected: "the quote that begins here is not closed on its line" };
    }
    if (error.code === "UNEXPECTED_TOKEN" && text.slice(end, at).trim() === "") {
      return { at: end, expected: isJson(text) ? COMMA : TEXT_BEHIND_QUOTE };
    }
  }
  const isBracket = error.code === "MISSING_CHAR" || /^Flow/.test(error.message);
  const open = isBracket ? lastBefore(document, at, isFlow) : undefined;
  if (open !== undefined) {
    const [start] = open;
    return { at: start, expected: `the ${text[start]} that begins here is not closed` };
  }
  return { at, expected: words ?? error.code.toLowerCase().replaceAll("_", " ") };
}

/** Where in the line of the fault a code that is dialled is a key, if one is. */
function codeAsKey(text: string, at: number): number | undefined {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const [line = ""] = text.slice(start).split("\n", 1);
  const found = /(?:^|[{,])\s*(?=\*[\d*#]+\s*:)/.exec(line);
  return found === null ? undefined : start + found.index + found[0].length;
}

const COMMA = "a comma, or a closing bracket, is missing here";
const TEXT_BEHIND_QUOTE = "nothing may follow the closing quote; inside of '…' write a quote as ''";

/** What to do about faults by their codes. */
const EXPECTED: Readonly<Record<string, (text: string, at: number) => string>> = {
  BAD_INDENT: () =>
    "indent this line as the ones that it belongs to; an item of a list begins with a dash and a space",
  BAD_DQ_ESCAPE: () => "a backslash in \"…\" begins an escape: put it in '…', or write it twice",
  MISSING_CHAR: () =>
    "write a colon and a space between a key and its value, and indent keys that " +
    "belong together by as many spaces",
  MULTIPLE_DOCS: () => "remove the line ---: the file is one document",
  BAD_ALIAS: () => "put quotes around a value that begins with *",
  BAD_SCALAR_START: (text, at) => `put quotes around a value that begins with ${text[at]}`,
  BLOCK_AS_IMPLICIT_KEY: () =>
    "put quotes around a value with a colon and a space in it, and indent keys that belong " +
    "together by as many spaces",
  BLOCK_IN_FLOW: () => "put quotes around a value with a colon and a space in it",
  DUPLICATE_KEY: (text, at) => {
    const [, name = "this key"] = /^["']?([\w.$-]{1,80})["']?\s*:/.exec(text.slice(at)) ?? [];
    return `${name} is there twice; remove one`;
  },
  MULTILINE_IMPLICIT_KEY: () => "write a colon and a space between a key and its value",
  TAB_AS_INDENT: () => "indent with spaces, not with tabs",
};

/** The place of the last node that begins before `end` and is such a one. */
function lastBefore(
  document: Document,
  end: number,
  isMeant: (node: unknown) => boolean,
): readonly [start: number, end: number] | undefined {
  let found: readonly [number, number] | undefined;
  visit(document, {
    Node(_, node): void {
      const { range } = node;
      if (!range || range[0] > end || !isMeant(node)) return;
      if (found === undefined || range[0] >= found[0]) found = [range[0], range[1]];
    },
  });
  return found;
}

function isQuoted(node: unknown): boolean {
  return isScalar(node) && (node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE);
}

function isFlow(node: unknown): boolean {
  return isCollection(node) && node.flow === true;
}

function isJson(text: string): boolean {
  return text.trimStart().startsWith("{");
}

/**
 * Finds what people write without the quotes it needs: `*120*8864#`, an alias to YAML, and `#8864`, a
 * comment. Each is made the text that was meant, so that it is the one fault of its key.
 */
export function unquoted(
  document: Document,
  lineCounter: LineCounter,
  text: string,
  fileSource: string,
  isPublic: (path: string) => boolean,
): readonly Fault[] {
  const faults: Fault[] = [];
  const add = (path: readonly unknown[], at: number, value: string, why: string): Scalar => {
    const { line } = lineCounter.linePos(at);
    const key = pathOf(path);
    const isShown = CODE.test(value) && isPublic(key);
    faults.push({
      key,
      value: isShown ? value : "********",
      expected: `quotes around it${isShown ? `, as in "${value}"` : ""}: ${why}`,
      source: `${fileSource}, line ${line}`,
    });
    return new Scalar(value);
  };
  visit(document, {
    Alias(_, node: Alias, path): Scalar | void {
      if (node.resolve(document) !== undefined) return;
      return add([...path, node], node.range?.[0] ?? 0, `*${node.source}`, ALIAS);
    },
    Scalar(key, node, path): Scalar | void {
      const [start = 0] = node.range ?? [];
      const [line = ""] = text.slice(start).split("\n", 1);
      // The parser forgets a comment without a word.
      const code = line.trim();
      if (key !== "value" || node.value !== null || !CODE.test(code)) return;
      if (!CODE_KEY.test(pathOf([...path, node]))) return;
      return add([...path, node], start, code, COMMENT);
    },
  });
  return faults;
}

const ALIAS = "without them * begins the name of a value that stands elsewhere in the file";
const COMMENT = "without them # begins a comment";

/** The keys on the way to a node, as the operator knows them. */
function pathOf(nodes: readonly unknown[]): string {
  const names = nodes.flatMap((node, depth) => {
    const inner = nodes[depth + 1];
    if (isCollection(node) && "items" in node) {
      const index = node.items.indexOf(inner as never);
      return isPair(inner) ? [] : [`[${index}]`];
    }
    return isPair(node) && inner !== node.key ? [`.${nameOf(node.key)}`] : [];
  });
  return names.join("").replace(/^\./, "") || "config file";
}

function isPair(node: unknown): node is { readonly key: unknown } {
  return typeof node === "object" && node !== null && "key" in node;
}

function nameOf(key: unknown): string {
  const name = isScalar(key) ? String(key.value) : "";
  return /^[\w.$-]{1,80}$/.test(name) ? name : "(not a name)";
}
