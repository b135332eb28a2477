// Expressions in Turn's texts: `@name`, `@name.field[0]`, `@function(…)`, `@(…)`. What they say is known
// only while a flow runs; here they are filled in with samples, or else shown by their names.

/** An expression. */
export interface Expression {
  /** As it is written, without the @ before it. */
  readonly source: string;
  /** By what it is shown. */
  readonly name: string;
  /** Whether it says several things: a choice's options. */
  readonly isList?: boolean;
}

/** What an expression says, if that is known. */
export type Fill = (source: string) => string | undefined;

/** A text with what is known filled in. */
export interface Filled {
  readonly text: string;
  /** Those that are shown by their names. */
  readonly unknown: readonly Expression[];
}

/** A longer one is text. */
const LONGEST = 1_000;
/** A longer name would fill the screen that shows it. */
const LONGEST_NAME = 40;

/** `text` with its expressions filled in. */
export function fillIn(text: string, fill: Fill): Filled {
  if (!text.includes("@")) return { text, unknown: [] };
  const unknown: Expression[] = [];
  let filled = "";
  let after = 0;
  for (let at = 0; at < text.length;) {
    const next = text.indexOf("@", at);
    if (next < 0) {
      filled += text.slice(at);
      break;
    }
    filled += text.slice(at, next);
    const end = text[next + 1] === "@" ? next + 2 : expressionEnd(text, next, after);
    at = end ?? next + 1;
    if (end === undefined || text[next + 1] === "@") {
      filled += "@";
      continue;
    }
    const source = text.slice(next + 1, end);
    after = end;
    const said = fill(source);
    if (said === undefined) {
      const name = nameOf(source);
      unknown.push({ source, name });
      filled += name;
    } else filled += said;
  }
  return { text: filled, unknown };
}

/** By what an expression is shown. */
export function nameOf(source: string): string {
  if (source.length < LONGEST_NAME && /^[ -~]*$/.test(source)) return `@${source}`;
  const [path = ""] = /^[\w.]{0,30}/.exec(source) ?? [];
  return `@${path}(...)`;
}

/** What is within quotes where all of it is; Turn writes a template's fields so. */
export function unquoted(text: string): string {
  return /^"[^]*"$/.test(text) ? text.slice(1, -1).replaceAll('\\"', '"') : text;
}

/** Where the expression ends whose @ is at `at`; undefined if there is none, as in an address. Another
 * one has ended at `after`. */
function expressionEnd(text: string, at: number, after: number): number | undefined {
  if (at > after && /[\w.]/.test(text.charAt(at - 1))) return undefined;
  let end = at + 1;
  if (text[end] !== "(") {
    end = wordEnd(text, end);
    if (end === at + 1) return undefined;
  }
  for (;;) {
    const char = text.charAt(end);
    const next = char === "."
      ? wordEnd(text, end + 1)
      : char === "(" || char === "["
      ? closing(text, end)
      : end;
    // What follows a dot may be the next sentence.
    if (next === undefined || next <= end + (char === "." ? 1 : 0)) break;
    end = next;
  }
  return end === at + 1 ? undefined : end;
}

/** Where the word that begins at `from` ends, which is there if there is none. */
function wordEnd(text: string, from: number): number {
  const word = /[A-Za-z_]\w*/y;
  word.lastIndex = from;
  return from + (word.exec(text)?.[0].length ?? 0);
}

/** After the bracket that closes the one at `open`. */
function closing(text: string, open: number): number | undefined {
  let depth = 0;
  let quote = "";
  const last = Math.min(text.length, open + LONGEST);
  for (let at = open; at < last; at++) {
    const char = text.charAt(at);
    if (quote !== "") {
      if (char === "\\") at++;
      else if (char === quote) quote = "";
    } else if (char === '"' || char === "'") quote = char;
    else if (char === "(" || char === "[") depth++;
    else if (char === ")" || char === "]") {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}
