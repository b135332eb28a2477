// Passes the log to the page: it takes lines as JSON, and writes warnings and errors as text.

import type { LogOutput } from "../../telemetry/mod.ts";
import type { LogLine } from "./events.ts";

export interface LogListener {
  line(line: LogLine): void;
  values?(values: Readonly<Record<string, unknown>>): void;
}

/** The levels that are shown, by the names that lines have. */
const LEVELS: Readonly<Record<string, LogLine["level"]>> = {
  WARN: "WARNING",
  ERROR: "ERROR",
  FATAL: "CRITICAL",
};

export class LogTap implements LogOutput {
  listener: LogListener = { line: () => {} };
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  write(bytes: Uint8Array): Promise<number> {
    const lines = new TextDecoder().decode(bytes).split("\n").filter((line) => line !== "");
    for (const line of lines) {
      const { level: name, message: text, "@timestamp": time, ...values } = JSON.parse(line);
      this.listener.values?.(values);
      const level = LEVELS[name];
      if (level === undefined) continue;
      this.#write(`${time.slice(11, 19)} ${level} ${text}\n`);
      this.listener.line({ kind: "log", level, text, at: Date.now() });
    }
    return Promise.resolve(bytes.length);
  }

  isTerminal(): boolean {
    return false;
  }
}
