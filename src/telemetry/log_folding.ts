/**
 * Writes one line for many that say the same: in an outage each message fails, and what else happens
 * must still be seen. Warnings and errors say the same when category, level, template and the property
 * `key`, if there is one, are equal; what else varies are ids. The first is written at once, what
 * follows within some seconds is counted, and the count is written after that.
 *
 * @module
 */

import type { LogRecord } from "@logtape/logtape";
import { type After, afterMs } from "../async/mod.ts";

/** Options of a {@linkcode LogFolding}. */
export interface LogFoldingOptions {
  /** Takes the records that are to be written. */
  readonly write: (record: LogRecord) => void;
  /** Milliseconds since 1970; the platform's clock, unless given. */
  readonly now?: () => number;
  /** The platform's timers, unless given. */
  readonly after?: After;
}

/** How long is counted before it is told. */
const WINDOW_MS = 10_000;

interface Burst {
  readonly first: LogRecord;
  readonly startedAt: number;
  readonly cancel: () => void;
  count: number;
}

/** Folds bursts of log records; every record goes through {@linkcode LogFolding.take}. */
export class LogFolding {
  readonly #write: (record: LogRecord) => void;
  readonly #now: () => number;
  readonly #after: After;
  readonly #bursts = new Map<string, Burst>();

  /** Starts with nothing counted. */
  constructor({ write, now = Date.now, after = afterMs }: LogFoldingOptions) {
    this.#write = write;
    this.#now = now;
    this.#after = after;
  }

  /** Writes or counts. Neither a `fatal` record is ever counted, nor one below `warning`. */
  readonly take = (record: LogRecord): void => {
    if (record.level !== "warning" && record.level !== "error") return this.#write(record);
    const sort = sortOf(record);
    const burst = this.#bursts.get(sort);
    if (burst !== undefined) {
      burst.count++;
      return;
    }
    this.#begin(sort, record);
    this.#write(record);
  };

  /** Writes what was counted so far, and starts anew. */
  end(): void {
    for (const burst of this.#bursts.values()) {
      burst.cancel();
      this.#tell(burst);
    }
    this.#bursts.clear();
  }

  #begin(sort: string, first: LogRecord): void {
    const cancel = this.#after(WINDOW_MS, () => this.#endWindow(sort));
    this.#bursts.set(sort, { first, startedAt: this.#now(), cancel, count: 0 });
  }

  /** While it goes on there is a line each window; after one in which nothing came it is over. */
  #endWindow(sort: string): void {
    const burst = this.#bursts.get(sort);
    this.#bursts.delete(sort);
    if (burst === undefined || burst.count === 0) return;
    this.#tell(burst);
    this.#begin(sort, burst.first);
  }

  #tell({ first: { category, level, rawMessage, properties }, count, startedAt }: Burst): void {
    if (count === 0) return;
    const timestamp = this.#now();
    const seconds = Math.max(1, Math.round((timestamp - startedAt) / 1000));
    const like = textOf(rawMessage);
    const { key } = properties;
    this.#write({
      category,
      level,
      timestamp,
      rawMessage: "… {count} more like it in the last {seconds} s: {like}",
      message: ["… ", count, " more like it in the last ", seconds, " s: ", like, ""],
      properties: { count, seconds, like, ...(key === undefined ? {} : { key }) },
    });
  }
}

function sortOf({ category, level, rawMessage, properties }: LogRecord): string {
  return [...category, level, textOf(rawMessage), String(properties.key ?? "")].join("\0");
}

function textOf(template: LogRecord["rawMessage"]): string {
  return typeof template === "string" ? template : template.join("{}");
}
