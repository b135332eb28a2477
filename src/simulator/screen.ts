/**
 * The tour in a terminal: who sends what to whom, with payloads as JSON in few lines, long texts and
 * ids cut short. Without colours the text is the same.
 *
 * @module
 */

import { styleText } from "node:util";

type Party = "user" | "vumi" | "bridge" | "Turn";

/** Shows the tour. */
export interface Narrator {
  heading(title: string, explanation: string): void;
  /** Shows a payload that goes from the first party to the last, and on what. */
  passed(route: readonly Party[], means: string, payload: unknown): void;
  verdict(good: boolean, text: string): void;
  say(text: string): void;
}

interface ScreenOptions {
  readonly write: (text: string) => void;
  /** Whether escape codes for colours may be in it. */
  readonly colours: boolean;
}

type Style = Parameters<typeof styleText>[0];

const PARTY_STYLES: Readonly<Record<Party, Style>> = {
  user: "green",
  vumi: "cyan",
  bridge: "bold",
  Turn: "magenta",
};

const WIDTH = 80;
const INDENT = "   ";
const STRING = /("(?:[^"\\]|\\.)*")(: )?/g;

export class Screen implements Narrator {
  readonly #write: (text: string) => void;
  readonly #colours: boolean;

  constructor({ write, colours }: ScreenOptions) {
    this.#write = write;
    this.#colours = colours;
  }

  heading(title: string, explanation: string): void {
    this.#write(`\n${this.#style("bold", title)}  ${explanation}\n`);
  }

  /** Shows a payload that goes from the first party to the last, and on what. */
  passed(route: readonly Party[], means: string, payload: unknown): void {
    const parties = route.map((party) => this.#style(PARTY_STYLES[party], party));
    this.#write(` ${parties.join(" ──▶ ")}   ${this.#style("dim", means)}\n`);
    const json = formatJson(payload, WIDTH - INDENT.length).replaceAll(/^/gm, INDENT);
    const inColour = json.replaceAll(
      STRING,
      (_, text: string, colon?: string) =>
        colon === undefined ? this.#style("yellow", text) : this.#style("dim", text + colon),
    );
    this.#write(`${inColour}\n`);
  }

  verdict(good: boolean, text: string): void {
    this.#write(`${this.#style(good ? "green" : "red", good ? "✓" : "✗")} ${text}\n`);
  }

  say(text: string): void {
    this.#write(`${text}\n`);
  }

  /** Without `validateStream` styleText would read the environment. */
  #style(style: Style, text: string): string {
    return this.#colours ? styleText(style, text, { validateStream: false }) : text;
  }
}

/** Stands for the fields that were left out; see {@linkcode abridge}. */
const MORE = "…";

/** What a line is longer by than its fields: "{ " or as much space, and a comma or " }". */
const BRACES = 4;
const LONGEST_TEXT = 60;
const ID = /^[\da-f]{32}$/;
const ID_SHOWN = 8;

/** Fields of `value`: some always, some if they are not null; and a sign that there are more. */
export function abridge<T extends object>(
  value: T,
  always: readonly (keyof T & string)[],
  ifSet: readonly (keyof T & string)[],
): object {
  const fields = [...always, ...ifSet.filter((field) => value[field] !== null)];
  return Object.fromEntries([...fields.map((field) => [field, value[field]]), [MORE, MORE]]);
}

/** Writes `value` in few lines of at most `width` characters, if its texts are not longer. */
export function formatJson(value: unknown, width: number): string {
  const whole = inline(value);
  if (whole.length <= width || !isObject(value) || Array.isArray(value)) return whole;
  const lines: string[] = [];
  let mayJoin = false;
  for (const [key, field] of Object.entries(value)) {
    const name = key === MORE ? "" : `${JSON.stringify(key)}: `;
    const text = name + formatJson(field, width - name.length - BRACES).replaceAll("\n", "\n  ");
    const joined = `${lines.at(-1)}, ${text}`;
    if (mayJoin && !isObject(field) && joined.length <= width - BRACES) lines.splice(-1, 1, joined);
    else lines.push(text);
    mayJoin = !isObject(field);
  }
  return `{ ${lines.join(",\n  ")} }`;
}

function inline(value: unknown): string {
  if (typeof value === "string") return value === MORE ? MORE : JSON.stringify(shorten(value));
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "nothing";
  const fields = Object.entries(value).map(([key, field]) =>
    key === MORE ? MORE : `${JSON.stringify(key)}: ${inline(field)}`
  );
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function shorten(text: string): string {
  // Its end, as ids that are made together begin alike.
  if (ID.test(text)) return `…${text.slice(-ID_SHOWN)}`;
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}
