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
  /** The last write begun or to begin, and the one of them that has not begun. */
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /** Goes on with what whoever spoke for the channel before has left. */
  takeOver(handover: Handover): void {
    this.#handover = handover;
    this.#counts = new Map(readCounts(handover.left));
  }

  /** Once, as far as is known of a message that was in hand at an end. */
  of(id: string): number {
    return this.#counts.get(id.slice(0, ID_LENGTH)) ?? 1;
  }

  /** Resolves when it is safe, or that takes too long. */
  async set(id: string, count: number): Promise<void> {
    const key = id.slice(0, ID_LENGTH);
    this.#counts.delete(key);
    this.#counts.set(key, count);
    const [oldest = key] = this.#counts.keys();
    if (this.#counts.size > MOST) this.#counts.delete(oldest);
    await this.#save();
  }

  async forget(id: string): Promise<void> {
    if (this.#counts.delete(id.slice(0, ID_LENGTH))) await this.#save();
  }

  /** One write at a time, so that the newest is the last; one that waits takes all changes along. */
  async #save(): Promise<void> {
    this.#next ??= this.#last = this.#saveAfter(this.#last);
    await within(this.#next, SAFE_MS);
  }

  async #saveAfter(last: Promise<void>): Promise<void> {
    await last;
    this.#next = undefined;
    await this.#handover?.leave(JSON.stringify([...this.#counts]));
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
