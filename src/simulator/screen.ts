// The tour in a terminal: who sends what to whom, with long texts and ids cut short. Without colours
// the text is the same.

import { styleText } from "node:util";
import type { Happening } from "./handset/events.ts";

type Style = Parameters<typeof styleText>[0];

const PARTY_STYLES = {
  user: "green",
  vumi: "cyan",
  bridge: "bold",
  Turn: "magenta",
} satisfies Readonly<Record<string, Style>>;

type Party = keyof typeof PARTY_STYLES;

const WIDTH = 80;
const INDENT = "   ";
const LONGEST_TEXT = 60;
/** An id in JSON. Its end is shown, as ids that are made together begin alike. */
const ID = /"[\da-f]{24}([\da-f]{8})"/g;

export class Screen {
  /** Gets the headings and the verdicts too, for the page. */
  tell: (words: Extract<Happening, { kind: "caption" | "verdict" }>) => void = () => {};
  readonly #write: (text: string) => void;
  readonly #colours: boolean;

  constructor(write: (text: string) => void, colours: boolean) {
    this.#write = write;
    this.#colours = colours;
  }

  say(text: string): void {
    this.#write(`${text}\n`);
  }

  heading(title: string, text: string): void {
    this.say(`\n${this.#style("bold", title)}  ${text}`);
    this.tell({ kind: "caption", title, text });
  }

  verdict(good: boolean, text: string): void {
    this.say(`${this.#style(good ? "green" : "red", good ? "✓" : "✗")} ${text}`);
    this.tell({ kind: "verdict", good, text });
  }

  /** Shows a payload that goes from the first party to the last, and on what. */
  passed(route: readonly Party[], means: string, payload: unknown): void {
    const parties = route.map((party) => this.#style(PARTY_STYLES[party], party));
    this.say(` ${parties.join(" ──▶ ")}   ${this.#style("dim", means)}`);
    const short = JSON.parse((JSON.stringify(payload) ?? "null").replaceAll(ID, '"…$1"'));
    const text = Deno.inspect(short, {
      colors: this.#colours,
      breakLength: WIDTH - INDENT.length,
      strAbbreviateSize: LONGEST_TEXT,
      depth: Infinity,
    });
    this.say(text.replaceAll(/^/gm, INDENT));
  }

  /** Without `validateStream` styleText would read the environment. */
  #style(style: Style, text: string): string {
    return this.#colours ? styleText(style, text, { validateStream: false }) : text;
  }
}
