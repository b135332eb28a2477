// Writes one line for many that say the same: in an outage each message fails, and what else happens
// must still be seen. Warnings and errors, and what else has a property `key`, say the same when category,
// level, template, channel and `key` are equal; what else varies are ids. The first is written at once, what
// follows within some seconds is counted, and the count is written after that.

import type { LogRecord } from "@logtape/logtape";
import { renderMessage, templateOf } from "./log_text.ts";
import { type After, afterMs } from "../async/mod.ts";

const WINDOW_MS = 10_000;

interface Burst {
  readonly first: LogRecord;
  readonly startedAt: number;
  readonly cancel: () => void;
  count: number;
}

/**
 * Folds bursts of log records, a stage that they pass on their way to the output.
 * @param write Takes the records that are to be written.
 * @param now Milliseconds since 1970.
 */
export function foldBursts(
  write: (record: LogRecord) => void,
  now: () => number = Date.now,
  after: After = afterMs,
) {
  const bursts = new Map<string, Burst>();

  function begin(sort: string, first: LogRecord): void {
    const cancel = after(WINDOW_MS, () => endWindow(sort));
    bursts.set(sort, { first, startedAt: now(), cancel, count: 0 });
  }

  /** Ends a window: one line while the burst goes on; after a window without any it is over. */
  function endWindow(sort: string): void {
    const burst = bursts.get(sort);
    bursts.delete(sort);
    if (burst === undefined || burst.count === 0) return;
    write(countOf(burst, now()));
    begin(sort, burst.first);
  }

  return {
    /** Writes or counts. Neither a `fatal` record is ever counted, nor one below `warning`. */
    take(record: LogRecord): void {
      const { category, level, rawMessage, properties: { key, connector = "" } } = record;
      const isFolded = level === "warning" || level === "error" ||
        level === "info" && key !== undefined;
      if (!isFolded) return write(record);
      const text = templateOf(rawMessage);
      const sort = [...category, level, text, String(key), String(connector)].join("\0");
      const burst = bursts.get(sort);
      if (burst === undefined) {
        begin(sort, record);
        write(record);
      } else burst.count++;
    },
    /** Writes what was counted so far, and starts anew. */
    end(): void {
      for (const burst of bursts.values()) {
        burst.cancel();
        if (burst.count > 0) write(countOf(burst, now()));
      }
      bursts.clear();
    },
  };
}

function countOf({ first, count, startedAt }: Burst, timestamp: number): LogRecord {
  const { category, level, properties: { key, connector } } = first;
  const seconds = Math.max(1, Math.round((timestamp - startedAt) / 1000));
  const like = renderMessage(first);
  return {
    category,
    level,
    timestamp,
    rawMessage: "… {count} more like it in the last {seconds} s: {like}",
    message: ["… ", count, " more like it in the last ", seconds, " s: ", like, ""],
    properties: {
      ...{ count, seconds, like },
      ...key !== undefined && { key },
      ...connector !== undefined && { connector },
    },
  };
}
