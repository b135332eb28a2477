/**
 * What is counted and measured of a channel as it happens. What is only looked up when Prometheus asks
 * is in live_figures.ts.
 *
 * What counts each message has its label values bound beforehand, and begins at 0: what first appears
 * as 1 has never risen, as Prometheus sees it.
 *
 * @module
 */

import type { Histogram } from "prom-client";
import type { Instruments, Series } from "./instruments.ts";
import type { ChannelSources } from "./live_figures.ts";
import { Transports } from "./transports.ts";

/** The three ways through the bridge. */
export type Flow = "outbound" | "inbound" | "status";

/** What becomes of a message in the end. */
export type Result =
  /** Outbound: it is in the queue; is so already, asked for twice; answers nothing known; can't be. */
  | ("accepted" | "repeated" | "unknown_reply_to" | "unavailable")
  /** The others: Turn has it; needs not know; had it already; a person is to look; nobody can read. */
  | ("delivered" | "skipped" | "duplicate" | "parked" | "unreadable");

/** What keeps a message up: another attempt, a delay queue, the end of its queue, … */
export type Setback = "retried" | "delayed" | "again" | "redelivered" | "requeued" | "cache_failed";

/** What is called at Turn. */
export type TurnResource = "messages" | "statuses";

const TO_TURN: readonly Result[] = ["delivered", "skipped", "duplicate", "parked", "unreadable"];
const RESULTS: Readonly<Record<Flow, readonly Result[]>> = {
  outbound: ["accepted", "repeated", "unknown_reply_to", "unavailable"],
  inbound: TO_TURN,
  status: TO_TURN,
};
const SETBACKS: Readonly<Record<Flow, readonly Setback[]>> = {
  outbound: [],
  inbound: ["retried", "delayed", "again", "redelivered", "requeued", "cache_failed"],
  status: ["retried", "delayed", "again", "redelivered", "requeued", "cache_failed"],
};
const RESOURCES: readonly TurnResource[] = ["messages", "statuses"];
/** The answers that an alert is about, and the usual one. */
const STATUSES = ["200", "401", "403", "429"];

/** What is done with the cache. */
export type CacheOperation = "read" | "write";

/** Counts by result. */
interface Count {
  readonly series: Series;
  /** Whether the message is acked then; or if it is outbound, in its queue. */
  readonly isSettled: boolean;
}

/** Calls of a resource that Turn answered with one status. */
interface Call {
  readonly seconds: Histogram.Internal<string>;
  readonly answers: Series;
}

/** A channel's counters and histograms. */
export class Metrics {
  /** Outbound messages by transport. */
  readonly transports: Transports;
  readonly #to: Instruments;
  readonly #connector: string;
  readonly #counts: Readonly<Record<Flow, ReadonlyMap<string, Count>>>;
  readonly #settled: Record<Flow, number> = { outbound: 0, inbound: 0, status: 0 };
  readonly #confirm: Histogram.Internal<string>;
  readonly #delivery: Readonly<Record<Flow, Histogram.Internal<string>>>;
  readonly #calls = new Map<string, Call>();
  #requestsInFlight = 0;
  #sources: ChannelSources | undefined;

  /** Starts all at 0. @internal Made by a registry. */
  constructor(instruments: Instruments, connector: string) {
    this.#to = instruments;
    this.#connector = connector;
    this.transports = new Transports(instruments.transports, connector);
    const { confirm, delivery, breakerOpened, cacheFailures } = instruments;
    confirm.zero({ connector });
    this.#confirm = confirm.labels({ connector });
    for (const flow of ["inbound", "status"]) delivery.zero({ flow, connector });
    this.#delivery = {
      outbound: delivery.labels({ flow: "outbound", connector }),
      inbound: delivery.labels({ flow: "inbound", connector }),
      status: delivery.labels({ flow: "status", connector }),
    };
    this.#counts = {
      outbound: countsOf("outbound", instruments, connector),
      inbound: countsOf("inbound", instruments, connector),
      status: countsOf("status", instruments, connector),
    };
    for (const resource of RESOURCES) {
      for (const status of STATUSES) instruments.answers.series({ resource, status, connector });
    }
    breakerOpened.series({ connector });
    for (const operation of ["read", "write"]) cacheFailures.series({ operation, connector });
  }

  /** Counts one message of `flow` that ended as `result`, or something that kept it up. */
  count(flow: Flow, result: Result | Setback): void {
    const count = this.#counts[flow].get(result);
    if (count === undefined) throw new TypeError(`Cannot count ${result}: not a result of ${flow}`);
    count.series.inc();
    if (count.isSettled) this.#settled[flow]++;
  }

  /** How many messages of `flow` were acked, or published if it is outbound. */
  settled(flow: Flow): number {
    return this.#settled[flow];
  }

  /** How many of `flow` have ended so, or were kept up so. */
  total(flow: Flow, result: Result | Setback): number {
    return this.#counts[flow].get(result)?.series.total ?? 0;
  }

  /** How many of Turn's requests are not answered yet. */
  get requestsInFlight(): number {
    return this.#requestsInFlight;
  }

  /** A request of Turn's has come. */
  requestBegun(): void {
    this.#requestsInFlight++;
  }

  /** A request is answered; confirmed by the broker after so many seconds, if it was. */
  requestEnded(seconds?: number): void {
    this.#requestsInFlight--;
    if (seconds !== undefined) this.#confirm.observe(seconds);
  }

  /** Turn has a message or status whose vumi timestamp is so many seconds ago. */
  delivered(flow: Flow, seconds: number): void {
    this.#delivery[flow].observe(Math.max(0, seconds));
  }

  /** Turn was called, and answered `status`, or not at all, after so many seconds. */
  called(resource: TurnResource, status: number | undefined, seconds: number): void {
    const call = this.#callOf(resource, status === undefined ? "none" : String(status));
    call.seconds.observe(Math.max(0, seconds));
    call.answers.inc();
  }

  /** Turn was found to be down. */
  breakerOpened(): void {
    this.#to.breakerOpened.series({ connector: this.#connector }).inc();
  }

  /** Something was looked up in the cache, and found or not. */
  cacheRead(kind: string, isHit: boolean): void {
    const result = isHit ? "hit" : "miss";
    this.#to.cacheReads.series({ kind, result, connector: this.#connector }).inc();
  }

  /** The cache could not be used. */
  cacheFailed(operation: CacheOperation): void {
    this.#to.cacheFailures.series({ operation, connector: this.#connector }).inc();
  }

  /** Says where the figures come from that are looked up when Prometheus asks. */
  watch(sources: ChannelSources): void {
    this.#sources = sources;
  }

  /** Where they come from, if that was said. */
  get sources(): ChannelSources | undefined {
    return this.#sources;
  }

  #callOf(resource: TurnResource, status: string): Call {
    const key = `${resource} ${status}`;
    let call = this.#calls.get(key);
    if (call === undefined) {
      const connector = this.#connector;
      const answers = this.#to.answers.series({ resource, status, connector });
      const name = status === "none" ? status : `${status[0]}xx`;
      const seconds = this.#to.calls.labels({ resource, class: name, connector });
      this.#calls.set(key, call = { seconds, answers });
    }
    return call;
  }
}

function countsOf(
  flow: Flow,
  { messages, setbacks }: Instruments,
  connector: string,
): ReadonlyMap<string, Count> {
  const counts = new Map<string, Count>();
  for (const result of RESULTS[flow]) {
    const isSettled = flow !== "outbound" || result === "accepted";
    counts.set(result, { series: messages.series({ flow, result, connector }), isSettled });
  }
  for (const result of SETBACKS[flow]) {
    // What goes to a delay queue is acked when its copy is there.
    const isSettled = result === "delayed";
    counts.set(result, { series: setbacks.series({ flow, result, connector }), isSettled });
  }
  return counts;
}
