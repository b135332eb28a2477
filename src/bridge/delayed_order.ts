// A user's messages stay in order also when one of them has to wait elsewhere: in the first delay
// queue, or at the end of its queue. Those that come meanwhile go behind it, to the same place, and so
// come back behind it. Later delays are longer than a conversation bears: then the others overtake.
//
// What goes one behind the other to the same place is a *group*, and has the group's *mark* and its own
// number in the group in a header. A group with a higher mark comes first: it begins when one that came
// back has to go once more, while those behind it have not come yet. So one that comes with a mark waits
// for nothing but groups with a higher mark, and a new one for all.
//
// It is copies that are told apart, not messages: of one that was copied just before we were killed,
// and was not acked, there are two.
//
// All that is relied on is that a queue keeps order. What does not come back, whatever the reason, is
// waited for no longer than the next one of its user takes that went behind it: once round the queue.
// So no time has to be guessed after which order is given up.
//
// The groups of a user are noted in the cache for whoever speaks for the channel next, and looked up
// only then. That a group is gone is noted without anybody waiting for it: at worst the user's next
// message goes round once for nothing.

import type { Note } from "../cache/mod.ts";
import { log } from "./log.ts";
import type { FlowOptions } from "./options.ts";
import type { Place } from "./retry_headers.ts";
import { tolerateCacheError } from "./tolerate.ts";

const DAY_MS = 24 * 60 * 60_000;
/** How long what waits is remembered when its time is over: its queue may be long, and Turn down. */
export const KEPT_MS = 7 * DAY_MS;
/** Above so many users, those whose time is over are swept out, and what was looked up is forgotten. */
const SWEEP_AT = 10_000;
/** There are two or three groups at a time; of more the first ones count. A note has room for them. */
const MOST_GROUPS = 8;

/** Where a message goes that has to go behind another. */
export interface Behind {
  readonly place: Place;
  /** How long in a delay queue; 0 if to the end of its queue. */
  readonly delayMs: number;
}

interface Group {
  readonly mark: number;
  /** The delay queue that it waits in; 0 at the end of its queue. */
  readonly delayMs: number;
  /** The number of the copy that went last. */
  readonly last: number;
}

interface Line {
  /** By mark, the highest first: so is the user's order. */
  groups: Group[];
  /** When it is forgotten. */
  until: number;
}

export class DelayedOrder {
  readonly #options: Pick<FlowOptions, "cache" | "flow" | "now">;
  readonly #lines = new Map<string, Line>();
  /** Until when others than those in memory may be noted; undefined before that was looked up. */
  #othersUntil: number | undefined;
  readonly #known = new Set<string>();
  /** Until when it is noted that there may be notes. */
  #noted = 0;

  constructor(options: Pick<FlowOptions, "cache" | "flow" | "now">) {
    this.#options = options;
  }

  /** Forgets what is in memory: another bridge has spoken for the channel, so only notes count. */
  forget(): void {
    this.#lines.clear();
    this.#known.clear();
    this.#othersUntil = undefined;
    this.#noted = 0;
  }

  /**
   * Looks up the groups of `key`, unless they are in memory, as usual.
   * @throws {CacheError} If the cache fails.
   */
  async ready(key: string): Promise<void> {
    if (!this.#isKnown(key)) await this.#lookUp(key);
  }

  /**
   * Where a message that has come has to go, if its turn has not come.
   * @param place What its header says.
   */
  arrive(key: string, { mark, nth }: Place): Behind | undefined {
    const line = this.#lines.get(key);
    if (line === undefined) return undefined;
    if (this.#options.now() >= line.until) return void this.#lines.delete(key);
    const before = line.groups.findLast((group) => group.mark > mark);
    if (before !== undefined) {
      const last = before.last + 1;
      line.groups = line.groups.filter((group) => group.mark !== mark || group.last !== nth)
        .map((group) => group === before ? { ...group, last } : group);
      return { place: { mark: before.mark, nth: last }, delayMs: before.delayMs };
    }
    const [first] = line.groups;
    if (first?.mark === mark && first.last === nth) this.#end(key, line);
    return undefined;
  }

  /**
   * Begins a group: a message whose turn had come has to go, and those behind it go behind it.
   * @param place What its header said.
   * @param delayMs How long in a delay queue; 0 if to the end of its queue.
   * @return What its header is to say.
   */
  lead(key: string, { mark }: Place, delayMs: number): Place {
    const now = this.#options.now();
    const line = this.#lines.get(key) ?? { groups: [], until: now + KEPT_MS };
    // A new one comes behind what may be noted but can't be looked up.
    const least = this.#isKnown(key) ? now : 0;
    const higher = Math.max(least, mark + 1, (line.groups[0]?.mark ?? 0) + 1);
    const group = { mark: higher, delayMs, last: 1 };
    line.groups = [group, ...line.groups].slice(0, MOST_GROUPS);
    this.#lines.set(key, line);
    if (this.#lines.size > SWEEP_AT) this.#sweep();
    return { mark: higher, nth: 1 };
  }

  /** The notes that have to be written before a message of `key` goes. */
  notes(key: string): readonly Note[] {
    const line = this.#lines.get(key);
    // What could not be looked up is not to be written over.
    if (line === undefined || !this.#isKnown(key)) return [];
    const { flow, now } = this.#options;
    const longest = Math.max(...line.groups.map(({ delayMs }) => delayMs));
    const ttlMs = longest + KEPT_MS;
    line.until = now() + ttlMs;
    const value = formatGroups(line.groups);
    const notes: Note[] = [{ kind: "order", id: `${flow}:${key}`, value, ttlMs }];
    if (line.until > this.#noted) {
      // A day more, so that it is not written each time.
      this.#noted = Math.max(line.until + DAY_MS, this.#othersUntil ?? 0);
      notes.push({ kind: "order", id: flow, value: `${this.#noted}`, ttlMs: this.#noted - now() });
    }
    return notes;
  }

  #isKnown(key: string): boolean {
    return this.#othersUntil !== undefined &&
      (this.#othersUntil <= this.#options.now() || this.#known.has(key));
  }

  async #lookUp(key: string): Promise<void> {
    const { cache, flow, now } = this.#options;
    if (this.#othersUntil === undefined) {
      const until = Number(await cache.getNote("order", flow) ?? 0);
      // Others may have looked it up meanwhile, and we may have noted something since.
      this.#othersUntil ??= until;
    }
    if (this.#isKnown(key)) return;
    const note = await cache.getNote("order", `${flow}:${key}`) ??
      // As earlier versions have noted it.
      await cache.getNote("order", `${flow}:+${key}`);
    if (this.#known.size >= SWEEP_AT) this.#known.clear();
    this.#known.add(key);
    if (note === undefined) return;
    const line = this.#lines.get(key) ?? { groups: [], until: now() + KEPT_MS };
    const own = new Set(line.groups.map(({ mark }) => mark));
    const noted = readGroups(note).filter(({ mark }) => !own.has(mark));
    line.groups = [...line.groups, ...noted].sort((a, b) => b.mark - a.mark).slice(0, MOST_GROUPS);
    this.#lines.set(key, line);
  }

  /** Ends the first group, whose last message is back. */
  #end(key: string, line: Line): void {
    line.groups.shift();
    if (line.groups.length > 0) return;
    this.#lines.delete(key);
    const { flow, now } = this.#options;
    this.#deleteNote(`${flow}:${key}`);
    const isAll = this.#lines.size === 0 && (this.#othersUntil ?? Infinity) <= now();
    if (!isAll || this.#noted === 0) return;
    this.#noted = 0;
    this.#deleteNote(flow);
  }

  #deleteNote(id: string): void {
    const { cache, flow } = this.#options;
    void tolerateCacheError(cache.deleteNote("order", id), (reason) => {
      log.debug("Could not remove the record that a {flow} message waits: {reason}", {
        flow,
        reason,
      });
    });
  }

  #sweep(): void {
    const now = this.#options.now();
    for (const [key, { until }] of this.#lines) if (now >= until) this.#lines.delete(key);
  }
}

function formatGroups(groups: readonly Group[]): string {
  return JSON.stringify(groups.map(({ mark, delayMs, last }) => [mark, delayMs, last]));
}

function readGroups(note: string): readonly Group[] {
  const rows: readonly (readonly [number, number, number])[] = JSON.parse(note);
  return rows.map(([mark, delayMs, last]) => ({ mark, delayMs, last }));
}
