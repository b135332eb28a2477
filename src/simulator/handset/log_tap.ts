/**
 * Passes the bridge's log to the page: it takes lines as JSON, and writes warnings and errors as text.
 *
 * @module
 */

import type { LogOutput } from "../../telemetry/mod.ts";
import type { LogLine } from "./events.ts";

export interface LogListener {
  /** A warning or worse, unless there are too many of them. */
  line(line: LogLine): void;
  /** The values of any line. */
  values(values: Readonly<Record<string, unknown>>): void;
}

/** Most lines a second that reach the page. */
const MOST_A_SECOND = 20;

export class LogTap implements LogOutput {
  listener: LogListener = { line: () => {}, values: () => {} };
  readonly #write: (text: string) => void;
  readonly #decoder = new TextDecoder();
  #rest = "";
  #second = 0;
  #lines = 0;

  /** `write` gets the text for a terminal. */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  writeSync(bytes: Uint8Array): number {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#take(line);
    return bytes.length;
  }

  /** Makes logging write JSON. */
  isTerminal(): boolean {
    return false;
  }

  #take(json: string): void {
    const { level, message, "@timestamp": time, ...values } = JSON.parse(json);
    this.listener.values(values);
    const grave = levelOf(String(level));
    if (grave === undefined) return;
    const text = fill(String(message), values);
    this.#write(`${String(time).slice(11, 19)} ${grave} ${text}\n`);
    const second = Math.floor(Date.now() / 1_000);
    if (second !== this.#second) this.#lines = 0;
    this.#second = second;
    if (++this.#lines > MOST_A_SECOND) return;
    this.listener.line({ kind: "log", level: grave, text, at: Date.now() });
  }
}

/** The constant text with its values. */
function fill(message: string, fields: Readonly<Record<string, unknown>>): string {
  return message.replaceAll(/\{(\w+)\}/g, (all, name: string) => {
    const value = fields[name];
    if (value === undefined) return all;
    return typeof value === "string" ? value : JSON.stringify(value);
  });
}

/** Undefined below a warning. */
function levelOf(level: string): LogLine["level"] | undefined {
  if (/^warn/i.test(level)) return "WARNING";
  if (/^error/i.test(level)) return "ERROR";
  return /^(fatal|critical)/i.test(level) ? "CRITICAL" : undefined;
}
