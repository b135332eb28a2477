/**
 * What becomes of outbound messages, by transport, and how many nothing is heard of within an hour.
 *
 * No message is remembered here, however many there are: those sent in one minute are one number,
 * which goes down when the first event about one of them comes, and what is left of it after an
 * hour was never heard of. It is known to this process only: of several on one connector, each sees
 * the events of others' messages too, and what counts is the sum of sent and of heard.
 *
 * @module
 */

import type { Instruments, Series } from "./instruments.ts";

/** What is heard of a message. */
export type Heard = "acked" | "nacked" | "delivered" | "failed";

/** So many transports have a name of their own; names come off the wire, so there may be any. */
const MOST_NAMES = 20;
const OTHER = "other";
const LONGEST_NAME = 64;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

interface Transport {
  readonly counters: Readonly<Record<"sent" | Heard | "silent", Series>>;
  /** Messages of which nothing was heard, by the minute in which they were sent. */
  readonly unheard: Map<number, number>;
}

/** Counts outbound messages by transport. Times are milliseconds since 1970. */
export class Transports {
  readonly #counter: Instruments["transports"];
  readonly #connector: string;
  readonly #transports = new Map<string, Transport>();

  /** Counts in the series of `counter` that are the connector's. @internal Made by Metrics. */
  constructor(counter: Instruments["transports"], connector: string) {
    this.#counter = counter;
    this.#connector = connector;
  }

  /** Counts a message that was confirmed in the queue. */
  sent(name: string, now: number): void {
    const { counters, unheard } = this.#transport(name);
    counters.sent.total++;
    const minute = Math.floor(now / MINUTE_MS);
    if (!unheard.has(minute)) this.sweep(now);
    unheard.set(minute, (unheard.get(minute) ?? 0) + 1);
  }

  /** Counts an event; one that is not counted is undefined. */
  heard(name: string, heard: Heard | undefined): void {
    if (heard !== undefined) this.#transport(name).counters[heard].total++;
  }

  /** Notes the first event about a message that was sent at that time. */
  heardFirst(name: string, sentAt: number): void {
    const { unheard } = this.#transport(name);
    const minute = Math.floor(sentAt / MINUTE_MS);
    // Below 0 if the event was quicker than the broker's confirm, which is still to come.
    unheard.set(minute, (unheard.get(minute) ?? 0) - 1);
  }

  /** Counts what was sent an hour ago and not heard of. */
  sweep(now: number): void {
    for (const { counters, unheard } of this.#transports.values()) {
      for (const [minute, count] of unheard) {
        // The whole of the minute is an hour ago.
        if ((minute + 1) * MINUTE_MS + HOUR_MS > now) continue;
        counters.silent.total += Math.max(0, count);
        unheard.delete(minute);
      }
    }
  }

  #transport(name: string): Transport {
    const transport = name.slice(0, LONGEST_NAME);
    const known = this.#transports.get(transport);
    if (known !== undefined) return known;
    if (this.#transports.size >= MOST_NAMES && transport !== OTHER) return this.#transport(OTHER);
    const series = (result: string): Series =>
      this.#counter.series({ transport, result, connector: this.#connector });
    const counters = {
      sent: series("sent"),
      acked: series("acked"),
      nacked: series("nacked"),
      delivered: series("delivered"),
      failed: series("failed"),
      silent: series("silent"),
    };
    const made = { counters, unheard: new Map<number, number>() };
    this.#transports.set(transport, made);
    return made;
  }
}
