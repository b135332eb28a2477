// Adds a channel to the text of a configuration file. What is in it stays as it is, comments too: only
// the one channel of a file without the list `channels` moves into it.

import {
  type Document,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Pair,
  parseDocument,
  Scalar,
  visit,
  YAMLMap,
  YAMLSeq,
} from "yaml";
import { isTree, type Tree } from "./file.ts";
import { nested } from "./template.ts";

/** What tells one channel from another. All else stays beside the list, and is for all of them. */
const OWN = [
  "connector_name",
  "default_from_addr",
  "transport_type",
  "vumi_api_path",
  "turn_api_url",
  "auth_token",
  "auth_token_file",
  "turn_hmac_secret",
  "turn_hmac_secret_file",
];

/**
 * The file's text with one channel more, whose `values` are by their keys' paths; undefined if the
 * file's list is not one to which something can be added.
 */
export function addChannel(
  text: string,
  values: Readonly<Record<string, string>>,
): string | undefined {
  const entry = nested(sorted(values));
  const json = parseJson(text);
  if (json !== undefined) return isTree(json) ? addToJson(json, entry) : undefined;
  // By this schema all is text, and is written again as it was: 0800 keeps its 0.
  const document = parseDocument(text, { schema: "failsafe" });
  const { contents } = document;
  if (!isMap(contents)) return undefined;
  freeComments(document, contents, text);
  if (!document.get("channels")) makeList(document, contents);
  const list = document.get("channels", true);
  if (!isSeq(list)) return undefined;
  const node = document.createNode(entry, { flow: contents.flow ?? false });
  visit(node, {
    Scalar(key, scalar) {
      if (key === "value" && /^[\d.+-]/.test(`${scalar.value}`)) scalar.type = Scalar.QUOTE_DOUBLE;
    },
  });
  list.add(node);
  return document.toString({ lineWidth: 0 });
}

/** In the order in which people read a channel. */
function sorted(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const place = (path: string): number => OWN.includes(path) ? OWN.indexOf(path) : OWN.length;
  return Object.fromEntries(Object.entries(values).sort(([a], [b]) => place(a) - place(b)));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function addToJson(tree: Tree, entry: Tree): string | undefined {
  const { channels: before, ...others } = tree;
  const list: unknown = before ?? [partOf(others, (name) => OWN.includes(name))];
  if (!Array.isArray(list)) return undefined;
  const shared = before === undefined ? partOf(others, (name) => !OWN.includes(name)) : others;
  return `${JSON.stringify({ ...shared, channels: [...list, entry] }, undefined, 2)}\n`;
}

function partOf(tree: Tree, isMeant: (name: string) => boolean): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([name]) => isMeant(name)));
}

/** Moves the one channel's own keys, with the comments right above them, into a list. */
function makeList(document: Document, contents: YAMLMap): void {
  const entry = new YAMLMap(document.schema);
  const stay: unknown[] = [];
  let left = "";
  // The comment at the head of the file is not the first key's.
  for (const pair of contents.items) {
    const name = isScalar(pair.key) ? String(pair.key.value) : "";
    if (name === "channels") continue;
    if (OWN.includes(name)) {
      left = joined(left, takeOthers(pair));
      entry.items.push(pair);
      continue;
    }
    if (isScalar(pair.key) && left !== "") {
      pair.key.commentBefore = joined(left, pair.key.commentBefore ?? "");
      left = "";
    }
    stay.push(pair);
  }
  contents.items.splice(0, contents.items.length, ...stay as Pair[]);
  if (left !== "") document.comment = joined(left, document.comment ?? "");
  const list = new YAMLSeq(document.schema);
  list.add(entry);
  document.set("channels", list);
}

/** Leaves with a key the last block of the comments above it, which is about it; answers the others. */
function takeOthers({ key }: Pair): string {
  if (!isScalar(key)) return "";
  const blocks = (key.commentBefore ?? "").split(/\n[^\S\n]*\n/);
  const own = blocks.pop() ?? "";
  key.spaceBefore = false;
  key.commentBefore = own === "" ? null : own;
  return blocks.join("\n\n");
}

/**
 * A comment below an indented one is to the parser the same map's, and would be moved with that; one that
 * begins where its line does is about the key that follows, or, at the end of the file, about none.
 */
function freeComments(document: Document, contents: YAMLMap, text: string): void {
  for (const [index, { value }] of contents.items.entries()) {
    const next = contents.items[index + 1]?.key;
    const end = isScalar(next) ? next.range?.[0] : undefined;
    const lines = text.slice(0, end).trimEnd().split("\n");
    const between = lines.splice(lines.findLastIndex((line) => !/^\s*(?:#|$)/.test(line)) + 1);
    const free = between.findIndex((line) => line.startsWith("#"));
    const holder = commented(index + 1 < contents.items.length ? value : contents);
    if (free < 0 || holder === undefined) continue;
    holder.comment = wordsOf(between.slice(0, free)) || null;
    const words = wordsOf(between.slice(free));
    if (!isScalar(next)) document.comment = words;
    else [next.commentBefore, next.spaceBefore] = [words, between[free - 1]?.trim() === ""];
  }
}

/** It, or the last in it, that has a comment behind it; that of one in braces is in its line. */
function commented(node: unknown): YAMLMap | YAMLSeq | undefined {
  if (!isMap(node) && !isSeq(node)) return undefined;
  if (node.comment) return node.flow ? undefined : node;
  const last = node.items.at(-1);
  return commented(isPair(last) ? last.value : last);
}

/** As the parser has comments: one without a word is a blank, and an empty line is none. */
function wordsOf(lines: readonly string[]): string {
  return lines.map((line) => line.trimStart().replace(/^#$/, "# ").slice(1)).join("\n").trimEnd();
}

function joined(first: string, second: string): string {
  return first === "" || second === "" ? first + second : `${first}\n\n${second}`;
}
