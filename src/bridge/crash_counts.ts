// How often the program has ended with a message in work. It is left with the broker, beside who speaks
// for the channel, so that it outlives the program whatever cache that has.

import { parseJson, within } from "../async/mod.ts";
import type { Handover } from "../vumi/mod.ts";

/** Above so many, what was counted longest ago is forgotten. */
const MOST = 1_000;
/** What is told apart of an id: its beginning is enough. */
const ID_LENGTH = 200;
/** Work does not wait for longer until its count is safe: a broker may take nothing for hours. */
const SAFE_MS = 2_000;

export class CrashCounts {
  #counts = new Map<string, number>();
  #handover: Handover | undefined;
  /** What has changed, and is not known to be safe; undefined for what was forgotten. */
  readonly #unsaved = new Map<string, number | undefined>();
  /** The last write begun or to begin, and the one of them that has not begun. */
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /** Goes on with what whoever spoke for the channel before has left, and what we could not leave. */
  takeOver(handover: Handover): void {
    this.#handover = handover;
    this.#counts = new Map(readCounts(handover.left));
    for (const [key, count] of [...this.#unsaved]) this.#change(key, count);
    if (this.#unsaved.size > 0) void this.#save();
  }

  /** Once, as far as is known of a message that was in hand at an end. */
  of(id: string): number {
    return this.#counts.get(id.slice(0, ID_LENGTH)) ?? 1;
  }

  /** Resolves when it is safe, or that takes too long. */
  async set(id: string, count: number): Promise<void> {
    this.#change(id.slice(0, ID_LENGTH), count);
    await this.#save();
  }

  async forget(id: string): Promise<void> {
    const key = id.slice(0, ID_LENGTH);
    if (!this.#counts.has(key)) return;
    this.#change(key, undefined);
    await this.#save();
  }

  #change(key: string, count: number | undefined): void {
    for (const changed of [this.#counts, this.#unsaved]) {
      changed.delete(key);
      const [oldest] = changed.keys();
      if (changed.size >= MOST && oldest !== undefined) changed.delete(oldest);
    }
    if (count !== undefined) this.#counts.set(key, count);
    this.#unsaved.set(key, count);
  }

  /** One write at a time, so that the newest is the last; one that waits takes all changes along. */
  async #save(): Promise<void> {
    this.#next ??= this.#last = this.#saveAfter(this.#last);
    await within(this.#next, SAFE_MS);
  }

  async #saveAfter(last: Promise<void>): Promise<void> {
    await last;
    this.#next = undefined;
    const saved = [...this.#unsaved];
    if (!await this.#handover?.leave(JSON.stringify([...this.#counts]))) return;
    for (const [key, count] of saved) {
      if (this.#unsaved.get(key) === count) this.#unsaved.delete(key);
    }
  }
}

/** What is not ours counts as nothing. */
function readCounts(text: string): readonly (readonly [string, number])[] {
  const read = parseJson(text);
  return Array.isArray(read) ? read.filter(isCount) : [];
}

function isCount(entry: unknown): entry is readonly [string, number] {
  return Array.isArray(entry) && typeof entry[0] === "string" && typeof entry[1] === "number";
}
