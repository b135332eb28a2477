/**
 * The tour in a terminal: who sends what to whom. Without colours the text is the same.
 *
 * @module
 */

import { styleText } from "node:util";
import { formatJson } from "./json.ts";

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
