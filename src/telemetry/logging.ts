/**
 * Sets up LogTape, once per process: our categories at the chosen level, one line a record, text for
 * a terminal and JSON elsewhere. Lines are gathered for a moment and written together, which is what
 * makes logging cheap; a `fatal` record and {@linkcode LogWriter.flush} write at once.
 *
 * @module
 */

import {
  configureSync,
  getAnsiColorFormatter,
  getJsonLinesFormatter,
  type LogLevel,
  type LogRecord,
  resetSync,
  type TextFormatter,
} from "@logtape/logtape";

/** Python's names of the levels, as vumi's configuration has them. */
export type LogLevelName = "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

const LEVELS: Record<LogLevelName, LogLevel> = {
  DEBUG: "debug",
  INFO: "info",
  WARNING: "warning",
  ERROR: "error",
  CRITICAL: "fatal",
};

/** How {@linkcode startLogging} logs. */
export interface LoggingOptions {
  /** The lowest level that is written. */
  readonly level: LogLevelName;
  /** Where lines go; default standard error, so that standard output stays a command's own. */
  readonly output?: LogOutput;
}

/** What takes the bytes: a part of `Deno.stderr`. */
export interface LogOutput {
  /** Writes some of the bytes, and tells how many. */
  writeSync(bytes: Uint8Array): number;
  /** Whether a person reads along. */
  isTerminal(): boolean;
}

/** Starts logging. Disposing writes what is left and ends it. */
export function startLogging({ level, output = Deno.stderr }: LoggingOptions): Disposable {
  const format = output.isTerminal()
    ? getAnsiColorFormatter({ timestamp: "time", category: lastCategory })
    : getJsonLinesFormatter({ categorySeparator: ".", message: "template", properties: "flatten" });
  const writer = new LogWriter(output, format);
  configureSync({
    reset: true,
    sinks: { output: writer.write },
    loggers: [
      { category: "turn-channels", lowestLevel: LEVELS[level], sinks: ["output"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["output"] },
    ],
  });
  return {
    [Symbol.dispose](): void {
      resetSync();
      writer.flush();
    },
  };
}

const FLUSH_AFTER_MS = 20;
const FLUSH_AT_CHARACTERS = 64 * 1024;

/** Gathers lines and writes them together. Loses none: LogTape's own buffering sinks do in a burst. */
class LogWriter {
  readonly #output: LogOutput;
  readonly #format: TextFormatter;
  readonly #encoder = new TextEncoder();
  #lines = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(output: LogOutput, format: TextFormatter) {
    this.#output = output;
    this.#format = format;
  }

  readonly write = (record: LogRecord): void => {
    this.#lines += this.#format(record);
    if (record.level === "fatal" || this.#lines.length > FLUSH_AT_CHARACTERS) return this.flush();
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS);
  };

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let bytes = this.#encoder.encode(this.#lines);
    this.#lines = "";
    while (bytes.length > 0) bytes = bytes.subarray(this.#output.writeSync(bytes));
  }
}

function lastCategory(category: readonly string[]): string {
  return category.at(-1) ?? "";
}
