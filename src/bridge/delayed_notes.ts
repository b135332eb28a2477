/**
 * What waits in delay queues is noted in the cache, so that whoever looks for a message finds it
 * without looking into queues: one note a message, and a list a user and a message that events are
 * about. For people only; no decision rests on it.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { CacheError, type MessageCache, type Note, type Tally } from "../cache/mod.ts";
import {
  type DelayedEntry,
  delayedListId,
  type DelayedNote,
  delayedNoteId,
  formatDelayed,
  formatDelayedList,
  type QueuedFlow,
  readDelayed,
  readDelayedList,
} from "./notes.ts";

const log = getLogger(["turn-channels", "bridge"]);

/**
 * How long it is still noted when its time is over, in milliseconds: its queue may be long, and Turn
 * down.
 */
const KEPT_MS = 7 * 24 * 60 * 60_000;

/** Whom a message or event is about. */
export type Whose = Pick<DelayedNote, "user" | "about">;

/** One flow's. */
export class DelayedNotes {
  readonly #cache: MessageCache;
  readonly #flow: QueuedFlow;
  /** Lists are read, changed and written: one at a time. */
  #last: Promise<void> = Promise.resolve();

  /** Makes it; no I/O. */
  constructor(cache: MessageCache, flow: QueuedFlow) {
    this.#cache = cache;
    this.#flow = flow;
  }

  /**
   * One goes into a delay queue. Resolves when that is noted, together with `more`, or can't be.
   *
   * @param about Whom it is about, and to be asked only now.
   */
  gone(
    note: Omit<DelayedNote, "user" | "about">,
    about: () => Promise<Whose>,
    more: readonly Note[],
  ): Promise<void> {
    const ttlMs = note.delayMs + KEPT_MS;
    const noted = (whose: Whose): Note => ({
      kind: "delayed",
      id: delayedNoteId(note.flow, note.id),
      value: formatDelayed({ ...note, ...whose }),
      ttlMs,
    });
    return this.#inTurn(async () => {
      let notes: readonly Note[];
      try {
        const whose = await about();
        const lists = await this.#lists(whose, (entries) => [...without(entries, note.id), note]);
        notes = [noted(whose), ...lists.map(({ id, entries }) => listNote(id, entries, ttlMs))];
      } catch (error) {
        if (!(error instanceof CacheError)) throw error;
        notes = [noted({ user: undefined, about: undefined })];
      }
      await this.#cache.putNotes([...more, ...notes], [this.#tally("delayed")]);
    });
  }

  /** One is back. Resolves when nothing of it is noted any more, or that can't be done. */
  back(id: string): Promise<void> {
    return this.#inTurn(async () => {
      const noteId = delayedNoteId(this.#flow, id);
      const note = readDelayed(await this.#cache.getNote("delayed", noteId));
      if (note === undefined) return;
      await this.#cache.tally([this.#tally("undelayed")]);
      const lists = await this.#lists(note, (entries) => without(entries, id));
      for (const list of lists) {
        if (list.entries.length === 0) await this.#cache.deleteNote("delayed_list", list.id);
        else await this.#cache.putNotes([listNote(list.id, list.entries, KEPT_MS)]);
      }
      await this.#cache.deleteNote("delayed", noteId);
    });
  }

  async #lists(
    { user, about }: Whose,
    change: (entries: readonly DelayedEntry[]) => readonly DelayedEntry[],
  ): Promise<readonly { readonly id: string; readonly entries: readonly DelayedEntry[] }[]> {
    const ids = [
      ...(user === undefined ? [] : [delayedListId({ user })]),
      ...(about === undefined ? [] : [delayedListId({ about })]),
    ];
    return await Promise.all(ids.map(async (id) => {
      const entries = readDelayedList(await this.#cache.getNote("delayed_list", id));
      return { id, entries: change(entries) };
    }));
  }

  #tally(result: string): Tally {
    return { flow: this.#flow, result };
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(work).catch((error: unknown) => {
      if (!(error instanceof CacheError)) throw error;
      log.debug("Not noted what of {flow} is delayed: {reason}", {
        flow: this.#flow,
        reason: error.message,
      });
    });
    return this.#last;
  }
}

function without(entries: readonly DelayedEntry[], id: string): readonly DelayedEntry[] {
  return entries.filter((entry) => entry.id !== id);
}

function listNote(id: string, entries: readonly DelayedEntry[], ttlMs: number): Note {
  return { kind: "delayed_list", id, value: formatDelayedList(entries), ttlMs };
}
