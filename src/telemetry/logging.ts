// Sets up LogTape, once per process: our categories at the chosen level, one line a record, text for
// a terminal and JSON elsewhere, unless one is chosen. On its way to the output a record loses what
// is nobody's business (log_privacy.ts), and bursts become a count (log_folding.ts); the lines are
// written by log_writer.ts.

import { AsyncLocalStorage } from "node:async_hooks";
import {
  configureSync,
  getAnsiColorFormatter,
  getTextFormatter,
  type LogRecord,
  resetSync,
  type TextFormatter,
} from "@logtape/logtape";
import { lineText } from "./log_text.ts";
import { jsonLine } from "./json_line.ts";
import type { LogFigures } from "./live_figures.ts";
import { foldBursts } from "./log_folding.ts";
import { type LogPrivacy, privateRecord } from "./log_privacy.ts";
import { type LogOutput, LogWriter } from "./log_writer.ts";

const LEVELS = {
  DEBUG: "debug",
  INFO: "info",
  WARNING: "warning",
  ERROR: "error",
  CRITICAL: "fatal",
} as const;

/**
 * Python's names of the levels, as vumi's configuration has them.
 * @internal The list, which it comes from, needs no export.
 */
export type LogLevelName = keyof typeof LEVELS;

/** How lines look: `auto` is text on a terminal, and JSON elsewhere. */
export type LogFormat = "auto" | "text" | "json";

/** How {@linkcode startLogging} logs. */
export interface LoggingOptions {
  /** The lowest level that is written. */
  readonly level: LogLevelName;
  /** How lines look; default `auto`. */
  readonly format?: LogFormat;
  /** What lines show of people; default nothing. */
  readonly privacy?: LogPrivacy;
  /** Where lines go; default standard error, so that standard output stays a command's own. */
  readonly output?: LogOutput;
}

/** Logging that has begun. Disposing writes what is left, if it can be written, and ends it. */
export interface Logging extends AsyncDisposable {
  /** How the writing goes. */
  readonly figures: LogFigures;
  /** Writes from now on what is of this level or above, showing this of people. */
  change(level: LogLevelName, privacy: LogPrivacy): void;
}

const CONTEXT = new AsyncLocalStorage<Record<string, unknown>>();

const NOTHING: LogPrivacy = { addresses: false, content: false };

/** Starts logging. */
export function startLogging(options: LoggingOptions): Logging {
  const { level, format = "auto", privacy = NOTHING, output = Deno.stderr } = options;
  const writer = new LogWriter(output, formatter(format, output.isTerminal()));
  const folding = foldBursts((record) => writer.take(record));
  const change = (level: LogLevelName, privacy: LogPrivacy): void => {
    const sink = (record: LogRecord): void => folding.take(privateRecord(record, privacy));
    configureSync({
      reset: true,
      // By which a line has its channel's `connector`, wherever it is written.
      contextLocalStorage: CONTEXT,
      sinks: { output: Object.assign(sink, { [IMMEDIATE]: true }) },
      loggers: [
        { category: "turn-channels", lowestLevel: LEVELS[level], sinks: ["output"] },
        { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["output"] },
      ],
    });
  };
  change(level, privacy);
  return {
    figures: writer,
    change,
    async [Symbol.asyncDispose](): Promise<void> {
      resetSync();
      folding.end();
      await writer[Symbol.asyncDispose]();
    },
  };
}

/**
 * By this mark LogTape knows its own sinks that are through with a record when they return, for which
 * it makes no copy. Without it each line takes a third longer, and is the same.
 */
const IMMEDIATE = Symbol.for("LogTape.sinkSnapshotPolicy.immediate");

function formatter(format: LogFormat, terminal: boolean): TextFormatter {
  const isText = format === "text" || (format === "auto" && terminal);
  if (!isText) return jsonLine;
  const category = (categories: readonly string[]): string => categories.at(-1) ?? "";
  const layOut = terminal
    ? getAnsiColorFormatter({ timestamp: "time", category })
    : getTextFormatter({ timestamp: "rfc3339", category });
  return (record) => layOut({ ...record, message: [lineText(record)] });
}
