// What becomes of outbound messages, by transport, and how many nothing is heard of within an hour.
//
// No message is remembered here, however many there are: those sent in one minute are one number,
// which goes down when the first event about one of them comes, and what is left of it after an
// hour was never heard of. It is known to this process only: of several on one connector, each sees
// the events of others' messages too, and what counts is the sum of sent and of heard.

import type { Instruments, Series } from "./instruments.ts";

/** What is heard of a message. */
export type Heard =
  | "acked"
  | "nacked"
  | "delivered"
  | "failed"
  | "unknown"
  | "throttled"
  | "unacked";

/** So many transports have a name of their own; names come off the wire, so there may be any. */
const MOST_NAMES = 20;
const OTHER = "other";
const LONGEST_NAME = 64;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const COUNTED = [
  "sent",
  "acked",
  "nacked",
  "delivered",
  "failed",
  "unknown",
  "throttled",
  "unacked",
  "silent",
] as const;

/** Counts outbound messages by transport. Times are milliseconds since 1970. */
export class Transports {
  readonly #counter: Instruments["transports"];
  readonly #connector: string;
  /** Messages of which nothing was heard: by transport, and the minute in which they were sent. */
  readonly #unheard = new Map<string, Map<number, number>>();

  /** Counts in the series of `counter` that are the connector's. @internal Made by Metrics. */
  constructor(counter: Instruments["transports"], connector: string) {
    this.#counter = counter;
    this.#connector = connector;
  }

  /** Counts a message that was confirmed in the queue. */
  sent(name: string, now: number): void {
    const transport = this.#known(name);
    this.#series(transport, "sent").total++;
    const minute = Math.floor(now / MINUTE_MS);
    if (!this.#unheard.get(transport)?.has(minute)) this.sweep(now);
    this.#addUnheard(transport, minute, 1);
  }

  /** Counts an event; one that is not counted is undefined. */
  heard(name: string, heard: Heard | undefined): void {
    if (heard !== undefined) this.#series(this.#known(name), heard).total++;
  }

  /** Counts the first event about a message that was sent at that time. */
  heardFirst(name: string, sentAt: number): void {
    // Below 0 if the event was quicker than the broker's confirm, which is still to come.
    this.#addUnheard(this.#known(name), Math.floor(sentAt / MINUTE_MS), -1);
  }

  /** Counts what was sent an hour ago and not heard of. */
  sweep(now: number): void {
    for (const [transport, minutes] of this.#unheard) {
      for (const [minute, count] of minutes) {
        if ((minute + 1) * MINUTE_MS + HOUR_MS > now) continue;
        this.#series(transport, "silent").total += Math.max(0, count);
        minutes.delete(minute);
      }
    }
  }

  #addUnheard(transport: string, minute: number, count: number): void {
    const minutes = this.#unheard.get(transport);
    minutes?.set(minute, (minutes.get(minute) ?? 0) + count);
  }

  /** The name under which it is counted; all its series exist from then on. */
  #known(name: string): string {
    const short = name.slice(0, LONGEST_NAME);
    if (this.#unheard.has(short)) return short;
    const transport = this.#unheard.size < MOST_NAMES ? short : OTHER;
    if (this.#unheard.has(transport)) return transport;
    this.#unheard.set(transport, new Map());
    for (const result of COUNTED) this.#series(transport, result);
    return transport;
  }

  #series(transport: string, result: (typeof COUNTED)[number]): Series {
    return this.#counter.series({ transport, result, connector: this.#connector });
  }
}
