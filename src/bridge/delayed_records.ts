// What waits in delay queues is noted in the cache, so that whoever looks for a message finds it
// without looking into queues: one note a message, and a list a user and a message that events are
// about. For people only; no decision rests on it.

import type { MessageCache, Note } from "../cache/mod.ts";
import { KEPT_MS } from "./delayed_order.ts";
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
import { log } from "./log.ts";
import { tolerateCacheError } from "./tolerate.ts";
import { UserOrder } from "./user_order.ts";

/** Whom a message or event is about, and for an event which message. */
type Whose = Pick<DelayedRecord, "user" | "about">;

interface List {
  readonly id: string;
  readonly entries: readonly DelayedEntry[];
}

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
   * Records that a message goes into a delay queue, together with `more`. Never rejects for the cache.
   * @param key As it is given when the message is back.
   */
  gone(
    key: string,
    record: Omit<DelayedRecord, "flow" | "user" | "about">,
    subject: Subject,
    more: readonly Note[],
  ): Promise<void> {
    const flow = this.#flow;
    return this.#inTurn(`key:${key}`, async () => {
      const found = await this.#tolerate(this.#whose(subject));
      const whose = found ?? { user: undefined, about: undefined };
      await this.#inTurn(`user:${whose.user}`, async () => {
        const lists = await this.#tolerate(this.#listsWithout(record.id, whose)) ?? [];
        const ttlMs = record.delayMs + KEPT_MS;
        const id = delayedNoteId(flow, record.id);
        const value = formatDelayed({ ...record, flow, ...whose });
        const listed = lists.map(({ id, entries }) =>
          listNote({ id, entries: [...entries, { ...record, flow }] }, ttlMs)
        );
        const notes: Note[] = [...more, { kind: "delayed", id, value, ttlMs }, ...listed];
        await this.#cache.putNotes(notes, [{ flow, result: "delayed" }]);
      });
    });
  }

  /** Removes the record of a message that is back. Never rejects for the cache. */
  back(key: string, id: string): Promise<void> {
    return this.#inTurn(`key:${key}`, async () => {
      const noteId = delayedNoteId(this.#flow, id);
      const note = readDelayed(await this.#cache.getNote("delayed", noteId));
      if (note === undefined) return;
      await this.#cache.tally([{ flow: this.#flow, result: "undelayed" }]);
      await this.#inTurn(`user:${note.user}`, async () => {
        for (const list of await this.#listsWithout(note.id, note)) {
          if (list.entries.length === 0) await this.#cache.deleteNote("delayed_list", list.id);
          else await this.#cache.putNotes([listNote(list, KEPT_MS)]);
        }
      });
      await this.#cache.deleteNote("delayed", noteId);
    });
  }

  async #whose(subject: Subject): Promise<Whose> {
    if ("user" in subject) return { user: subject.user, about: subject.about };
    const message = await findSent(this.#cache, subject.sentIds);
    return { user: message?.to_addr, about: message?.message_id ?? subject.sentIds[0] };
  }

  /** The lists in which a message or event belongs, it itself left out. */
  #listsWithout(id: string, { user, about }: Whose): Promise<readonly List[]> {
    const listIds = [
      ...(user === undefined ? [] : [delayedListId({ user: this.#cache.addresses.key(user) })]),
      ...(about === undefined ? [] : [delayedListId({ about })]),
    ];
    return Promise.all(listIds.map(async (listId) => {
      const entries = readDelayedList(await this.#cache.getNote("delayed_list", listId));
      return { id: listId, entries: entries.filter((entry) => entry.id !== id) };
    }));
  }

  /** Does `work` when all earlier work for `key` is done. */
  #inTurn(key: string, work: () => Promise<void>): Promise<void> {
    return this.#order.run(key, undefined, () => this.#tolerate(work()));
  }

  #tolerate<T>(work: Promise<T>): Promise<T | undefined> {
    return tolerateCacheError(work, (reason) => {
      const text = "Could not record that a {flow} message is delayed, or is back: {reason}";
      log.debug(text, { flow: this.#flow, reason });
    });
  }
}

function listNote({ id, entries }: List, ttlMs: number): Note {
  return { kind: "delayed_list", id, value: formatDelayedList(entries), ttlMs };
}
