// The events for open pages and for those that come back: each that is kept has a number, and a page
// that lost its connection gets what it missed. The frames are those of server-sent events.

import { LRUCache } from "lru-cache";
import { Watchers } from "../watchers.ts";
import type { Happening, HelloFields, Now } from "./events.ts";

type Listener = (frame: string) => void;

interface JournalWatcher {
  added(happening: Happening): void;
}

export class Journal {
  /** Frames by their numbers. */
  readonly #kept: LRUCache<number, string>;
  /** Distinguishes the numbers of this process from those of an earlier one. */
  readonly #life = crypto.randomUUID().slice(0, 8);
  readonly #listeners = new Set<Listener>();
  #last = 0;
  readonly #watchers = new Watchers<JournalWatcher>();
  /** Watches what is added, as it is. */
  readonly watch = (watcher: JournalWatcher): Disposable => this.#watchers.add(watcher);

  /** Keeps so many events and characters; the oldest go first. */
  constructor(max = 2_000, maxSize = 4_000_000) {
    this.#kept = new LRUCache({ max, maxSize, sizeCalculation: (frame) => frame.length });
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Sends an event, and keeps it for pages that are opened later. */
  add(happening: Happening): void {
    this.#watchers.each((watcher) => watcher.added(happening));
    const number = ++this.#last;
    const frame = `id: ${this.#life}-${number}\n${formatFrame(happening)}`;
    this.#kept.set(number, frame);
    this.#send(frame);
  }

  /** Sends how something is now; it is not kept. */
  tell(now: Now): void {
    this.#send(formatFrame(now));
  }

  /**
   * Sends `hello`, then what came after `lastId` or else all that is kept, then `now`, and then each
   * new event until the disposable is disposed.
   */
  listen(lastId: string, hello: HelloFields, now: readonly Now[], listener: Listener): Disposable {
    const missedAfter = this.#numberOf(lastId);
    listener(formatFrame({ kind: "hello", ...hello, anew: missedAfter === undefined }));
    this.#kept.rforEach((frame, number) => {
      if (number > (missedAfter ?? 0)) listener(frame);
    });
    for (const event of now) listener(formatFrame(event));
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** The number in `lastId`; undefined if what came after it is not known. */
  #numberOf(lastId: string): number | undefined {
    const [life, digits = ""] = lastId.split("-");
    const number = Number(digits);
    if (life !== this.#life || !/^\d+$/.test(digits) || number > this.#last) return undefined;
    const [oldest = this.#last + 1] = this.#kept.rkeys();
    return number + 1 < oldest ? undefined : number;
  }

  #send(frame: string): void {
    for (const listener of this.#listeners) listener(frame);
  }
}

/** JSON has no line breaks, so one line of data is all there is. */
function formatFrame(event: Happening | Now): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}
