// Writes the log's lines so that nothing waits for whoever reads them. They are gathered for a moment and
// written together, one write at a time, which hinders nothing else (async/write.ts). What can't be
// written is tried again and again. It is kept, in order, as far as there is room; more is lost, counted,
// and told of in its place when writing works again.

import type { LogRecord, TextFormatter } from "@logtape/logtape";
import { within, writeAll } from "../async/mod.ts";

/** What takes the bytes, or a part of them, and answers how many: a part of `Deno.stderr`. */
export type LogOutput = Pick<typeof Deno.stderr, "write" | "isTerminal">;

const GATHER_MS = 20;
/** Characters that are written together. */
const BLOCK = 64 * 1024;
/** Characters that are kept: more than a bridge logs in the seconds that a healthy reader may pause. */
const MOST = 8 * 1024 * 1024;
/** How long the end waits for what is not written yet. */
const END_MS = 1_000;

interface Loss {
  readonly from: number;
  count: number;
  to: number;
}

export class LogWriter implements AsyncDisposable {
  /** How many lines were lost since the start. */
  lost = 0;
  readonly #output: LogOutput;
  readonly #format: TextFormatter;
  readonly #encoder = new TextEncoder();
  readonly #end = new AbortController();
  #lines = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What is to be written after what is being written, in whole lines. */
  #blocks: string[] = [];
  /** Characters of all that is not written. */
  #size = 0;
  /** What was lost behind the last block. */
  #loss: Loss | undefined;
  #writing: Promise<void> | undefined;
  #triedSince = 0;

  constructor(output: LogOutput, format: TextFormatter) {
    this.#output = output;
    this.#format = format;
  }

  /** For how long a write has been tried in vain, in milliseconds. */
  get stalledMs(): number {
    return this.#writing === undefined ? 0 : performance.now() - this.#triedSince;
  }

  /** Takes a record, and begins at once to write what was taken if it is `fatal`. */
  take(record: LogRecord): void {
    const { timestamp } = record;
    if (this.#loss !== undefined || this.#size > MOST) return this.#lose(timestamp);
    const line = this.#format(record);
    this.#lines += line;
    this.#size += line.length;
    if (record.level === "fatal" || this.#lines.length > BLOCK) this.#flush();
    else this.#timer ??= setTimeout(this.#flush, GATHER_MS);
  }

  /** Ends when all is written, or when it seems that it can't be. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#flush();
    await within(this.#writing ?? Promise.resolve(), END_MS);
    this.#end.abort();
  }

  readonly #flush = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines === "") return;
    this.#blocks.push(this.#lines);
    this.#lines = "";
    this.#writing ??= this.#writeAll();
  };

  async #writeAll(): Promise<void> {
    for (let block; (block = this.#blocks.shift() ?? this.#lossLine()) !== undefined;) {
      this.#triedSince = performance.now();
      await writeAll(this.#output, this.#encoder.encode(block), this.#end.signal);
      this.#size -= block.length;
    }
    this.#writing = undefined;
  }

  #lose(timestamp: number): void {
    this.#flush();
    this.#loss ??= { from: timestamp, to: timestamp, count: 0 };
    this.#loss.to = timestamp;
    this.#loss.count++;
    this.lost++;
  }

  /** Says what was lost, if anything. From now on nothing is. */
  #lossLine(): string | undefined {
    if (this.#loss === undefined) return undefined;
    const line = this.#format(lossRecord(this.#loss));
    this.#loss = undefined;
    this.#size += line.length;
    return line;
  }
}

function lossRecord(loss: Loss): LogRecord {
  const { count } = loss;
  const [from, to] = [new Date(loss.from).toISOString(), new Date(loss.to).toISOString()];
  return {
    category: ["turn-channels", "log"],
    level: "warning",
    timestamp: Date.now(),
    rawMessage: "{count} lines of the log were lost between {from} and {to}",
    message: ["", count, " lines of the log were lost between ", from, " and ", to, ""],
    properties: { count, from, to },
  };
}
