// Printing: at once, held back, as a table, and text from others made safe for a terminal.

import Table from "cli-table3";
import { messageOf, within, writeAll } from "../async/mod.ts";
import { CommandError, EXIT } from "./exit_codes.ts";

const encoder = new TextEncoder();

/** @throws {CommandError} If standard output takes nothing, but not if its reader has read enough. */
export function print(text: string): void {
  try {
    write(Deno.stdout, text);
  } catch (error) {
    const reason = messageOf(error);
    throw new CommandError(EXIT.unavailable, `Cannot write to standard output: ${reason}`);
  }
}

export function printError(text: string): void {
  try {
    write(Deno.stderr, forPeople(text));
  } catch {
    // There is nobody to be told.
  }
}

/** How long a program that has to end waits for somebody to take its last words. */
const LAST_MS = 1_000;

/** Prints to standard error what is said last, and does not wait for a reader that hangs. */
export async function printLast(text: string): Promise<void> {
  const end = new AbortController();
  await within(writeAll(Deno.stderr, encoder.encode(forPeople(text)), end.signal), LAST_MS);
  end.abort();
}

function write(output: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(output.writeSync(bytes));
  } catch (error) {
    // The reader has read enough, as `head` does.
    if (!GONE.some((kind) => error instanceof kind)) throw error;
  }
}

const GONE = [Deno.errors.BrokenPipe, Deno.errors.ConnectionReset];

/** Most characters that are held back; what is more is printed at once. */
const MOST = 64 * 1024 * 1024;

/** Prints in order when it is disposed. */
export class HeldOutput implements Disposable {
  readonly #most: number;
  readonly #print: (text: string) => void;
  #texts: string[] = [];
  #length = 0;

  constructor(output: (text: string) => void = print, most = MOST) {
    this.#print = output;
    this.#most = most;
  }

  print(text: string): void {
    this.#texts.push(text);
    this.#length += text.length;
    if (this.#length > this.#most) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    for (const text of this.#texts.splice(0)) this.#print(text);
    this.#length = 0;
  }
}

/** A table with lines around its cells; with widths, in characters, longer texts are wrapped. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  widths?: readonly number[],
): string {
  const table = new Table({
    head: [...head],
    ...(widths && { colWidths: [...widths], wordWrap: true }),
    style: { head: [], border: [] },
  });
  for (const row of rows) table.push([...row]);
  return `${table.toString()}\n`;
}

/** Columns that every terminal has. */
export const WIDTH = 80;

/** The text in lines of at most `width` characters, if its words allow; all with this before them. */
export function wrapText(text: string, width: number, first = "", next = first): string {
  const lines = [""];
  let indent = first;
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    const longer = line === "" ? `${indent}${word}` : `${line} ${word}`;
    if (line === "" || longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(`${indent = next}${word}`);
  }
  return lines.join("\n");
}

/** An error's text; at a terminal its sentences fit the width. What can be copied from it stays on a line. */
function forPeople(text: string): string {
  return Deno.stderr.isTerminal() ? fitSentences(text) : text;
}

/** The text with its long lines wrapped, but for those that are laid out, or have a command of ours. */
export function fitSentences(text: string): string {
  return text.split("\n").map((line) =>
    /^ |\bturn-channels /.test(line) ? line : wrapText(line, WIDTH, "", "  ")
  ).join("\n");
}

/** Control and format characters, surrogates, and separators of lines and paragraphs. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text as one line, with invisible characters escaped as in JSON: `\u001b`. */
export function plainText(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** Deeper values are cut off: JSON.stringify fails with those that nest thousands deep. */
const DEEPEST = 100;

/** JSON without invisible characters; on several lines with `indent`. */
export function plainJson(value: unknown, indent?: number): string {
  // JSON.stringify leaves most of them as they are. Line breaks are its own, and in no text.
  return JSON.stringify(shallow(value, DEEPEST), undefined, indent)
    .replace(UNSEEN, (character) => character === "\n" ? character : escaped(character));
}

function shallow(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (value instanceof Uint8Array) return value;
  if (depth === 0) return "(nests deeper)";
  if (Array.isArray(value)) return value.map((each) => shallow(each, depth - 1));
  const entries = Object.entries(value).map(([key, each]) => [key, shallow(each, depth - 1)]);
  return Object.fromEntries(entries);
}

/** Escapes a character as JSON does, surrogates one by one. */
function escaped(character: string): string {
  return character.split("")
    .map((half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
