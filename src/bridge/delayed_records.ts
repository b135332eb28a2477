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
  delayedNoteId,
  type DelayedRecord,
  formatDelayed,
  formatDelayedList,
  type QueuedFlow,
  readDelayed,
  readDelayedList,
} from "./delivery_records.ts";
import { findSent, type Subject } from "./job.ts";
import { UserOrder } from "./user_order.ts";

const log = getLogger(["turn-channels", "bridge"]);

/**
 * How long it is still noted when its time is over, in milliseconds: its queue may be long, and Turn
 * down.
 */
const KEPT_MS = 7 * 24 * 60 * 60_000;

/** Whom a message or event is about, and for an event which message. */
type Whose = Pick<DelayedRecord, "user" | "about">;

type Lists = readonly { readonly id: string; readonly entries: readonly DelayedEntry[] }[];

export class DelayedRecords {
  readonly #cache: MessageCache;
  readonly #flow: QueuedFlow;
  /** Lists are read, changed and written: one after the other. */
  readonly #order = new UserOrder<undefined>();

  constructor(cache: MessageCache, flow: QueuedFlow) {
    this.#cache = cache;
    this.#flow = flow;
  }

  /**
   * One goes into a delay queue. Resolves when that is noted, together with `more`, or can't be.
   *
   * @param key As it is given when the message is back.
   */
  gone(
    key: string,
    record: Omit<DelayedRecord, "user" | "about">,
    subject: Subject,
    more: readonly Note[],
  ): Promise<void> {
    return this.#inTurn(`key:${key}`, async () => {
      let whose: Whose = { user: undefined, about: undefined };
      await this.#watch(async () => void (whose = await this.#whose(subject)));
      await this.#inTurn(`user:${whose.user}`, async () => {
        let lists: Lists = [];
        await this.#watch(async () => {
          lists = await this.#lists(whose, (entries) => [...without(entries, record.id), record]);
        });
        const ttlMs = record.delayMs + KEPT_MS;
        const id = delayedNoteId(record.flow, record.id);
        const value = formatDelayed({ ...record, ...whose });
        const listed = lists.map((list) => listNote(list.id, list.entries, ttlMs));
        const notes: Note[] = [...more, { kind: "delayed", id, value, ttlMs }, ...listed];
        await this.#cache.putNotes(notes, [this.#tally("delayed")]);
      });
    });
  }

  /** One is back. Resolves when nothing of it is noted any more, or that can't be done. */
  back(key: string, id: string): Promise<void> {
    return this.#inTurn(`key:${key}`, async () => {
      const noteId = delayedNoteId(this.#flow, id);
      const note = readDelayed(await this.#cache.getNote("delayed", noteId));
      if (note === undefined) return;
      await this.#cache.tally([this.#tally("undelayed")]);
      await this.#inTurn(`user:${note.user}`, () => this.#unlist(note));
      await this.#cache.deleteNote("delayed", noteId);
    });
  }

  async #whose(subject: Subject): Promise<Whose> {
    if ("user" in subject) return { user: subject.user, about: undefined };
    const message = await findSent(this.#cache, subject.sentIds);
    return { user: message?.to_addr, about: message?.message_id ?? subject.sentIds[0] };
  }

  async #unlist(note: DelayedRecord): Promise<void> {
    for (const { id, entries } of await this.#lists(note, (all) => without(all, note.id))) {
      if (entries.length === 0) await this.#cache.deleteNote("delayed_list", id);
      else await this.#cache.putNotes([listNote(id, entries, KEPT_MS)]);
    }
  }

  async #lists(
    { user, about }: Whose,
    change: (entries: readonly DelayedEntry[]) => readonly DelayedEntry[],
  ): Promise<Lists> {
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

  /** When all that was to be done for `key` before is done. */
  #inTurn(key: string, work: () => Promise<void>): Promise<void> {
    return this.#order.run(key, undefined, () => this.#watch(work));
  }

  async #watch(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      log.debug("Not noted what of {flow} is delayed: {reason}", {
        flow: this.#flow,
        reason: error.message,
      });
    }
  }
}

function without(entries: readonly DelayedEntry[], id: string): readonly DelayedEntry[] {
  return entries.filter((entry) => entry.id !== id);
}

function listNote(id: string, entries: readonly DelayedEntry[], ttlMs: number): Note {
  return { kind: "delayed_list", id, value: formatDelayedList(entries), ttlMs };
}
