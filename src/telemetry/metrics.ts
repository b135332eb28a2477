/**
 * What is counted and measured as it happens. One registry per program, handed to the parts. What is
 * only looked up when Prometheus asks is in live_figures.ts.
 *
 * What counts each message has its label values bound beforehand, and begins at 0: what first appears
 * as 1 has never risen, as Prometheus sees it.
 *
 * @module
 */

import { type Counter, type Histogram, Registry } from "prom-client";
import { METRICS } from "./catalogue.ts";
import { LiveFigures, type Sources } from "./live_figures.ts";
import { makeCounter, makeHistogram } from "./make.ts";
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
  readonly counter: Counter.Internal;
  /** Whether the message is acked then; or if it is outbound, in its queue. */
  readonly isSettled: boolean;
  /** How many there were. */
  total: number;
}

/** Counters and histograms, and all that Prometheus is told. */
export class Metrics {
  /** By transport. */
  readonly transports: Transports;
  readonly #registry = new Registry();
  readonly #counts: Readonly<Record<Flow, Map<string, Count>>>;
  readonly #settled: Record<Flow, number> = { outbound: 0, inbound: 0, status: 0 };
  readonly #confirm = makeHistogram(this.#registry, METRICS.confirm);
  readonly #delivery: Readonly<Record<Flow, Histogram.Internal<"flow">>>;
  readonly #calls = makeHistogram(this.#registry, METRICS.calls);
  readonly #answers = makeCounter(this.#registry, METRICS.answers);
  readonly #callsBound = new Map<string, Histogram.Internal<"resource" | "class">>();
  readonly #answersBound = new Map<string, Counter.Internal>();
  readonly #breakerOpened = makeCounter(this.#registry, METRICS.breakerOpened);
  readonly #cacheReads = makeCounter(this.#registry, METRICS.cacheReads);
  readonly #cacheReadsBound = new Map<string, Counter.Internal>();
  readonly #cacheFailures = makeCounter(this.#registry, METRICS.cacheFailures);
  readonly #live: LiveFigures;
  #requestsInFlight = 0;

  /** Makes it; all is 0. */
  constructor() {
    this.transports = new Transports(makeCounter(this.#registry, METRICS.transports));
    this.#live = new LiveFigures(this.#registry);
    const delivery = makeHistogram(this.#registry, METRICS.delivery);
    this.#delivery = {
      outbound: delivery.labels("outbound"),
      inbound: delivery.labels("inbound"),
      status: delivery.labels("status"),
    };
    for (const flow of ["inbound", "status"]) delivery.zero({ flow });
    const messages = makeCounter(this.#registry, METRICS.messages);
    const setbacks = makeCounter(this.#registry, METRICS.setbacks);
    this.#counts = {
      outbound: bindCounts("outbound", messages, setbacks),
      inbound: bindCounts("inbound", messages, setbacks),
      status: bindCounts("status", messages, setbacks),
    };
    for (const resource of RESOURCES) {
      for (const status of STATUSES) this.#answersOf(resource, status).inc(0);
    }
    for (const operation of ["read", "write"]) this.#cacheFailures.inc({ operation }, 0);
  }

  /** Counts one message of `flow` that ended as `result`, or something that kept it up. */
  count(flow: Flow, result: Result | Setback): void {
    const count = this.#counts[flow].get(result);
    if (count === undefined) throw new TypeError(`Cannot count ${result}: not a result of ${flow}`);
    count.counter.inc();
    count.total++;
    if (count.isSettled) this.#settled[flow]++;
  }

  /** How many messages of `flow` were acked, or published if it is outbound. */
  settled(flow: Flow): number {
    return this.#settled[flow];
  }

  /** How many of `flow` have ended so, or were kept up so. */
  total(flow: Flow, result: Result | Setback): number {
    return this.#counts[flow].get(result)?.total ?? 0;
  }

  /** A request of Turn's has come. */
  requestBegun(): void {
    this.#requestsInFlight++;
  }

  /** It is answered; confirmed by the broker after so many seconds, if it was. */
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
    this.#callsOf(resource, status).observe(Math.max(0, seconds));
    this.#answersOf(resource, status === undefined ? "none" : String(status)).inc();
  }

  /** Turn was found to be down. */
  breakerOpened(): void {
    this.#breakerOpened.inc();
  }

  /** Something was looked up in the cache, and found or not. */
  cacheRead(kind: string, isHit: boolean): void {
    const key = `${kind} ${isHit}`;
    let counter = this.#cacheReadsBound.get(key);
    if (counter === undefined) {
      counter = this.#cacheReads.labels({ kind, result: isHit ? "hit" : "miss" });
      this.#cacheReadsBound.set(key, counter);
    }
    counter.inc();
  }

  /** The cache could not be used. */
  cacheFailed(operation: CacheOperation): void {
    this.#cacheFailures.inc({ operation });
  }

  /** Says where the figures come from that are looked up when Prometheus asks. */
  watch(sources: Sources): void {
    this.#live.watch(sources);
  }

  /** The Prometheus text format, version 0.0.4. */
  text(): Promise<string> {
    this.transports.sweep(Date.now());
    this.#live.look(this.#requestsInFlight);
    return this.#registry.metrics();
  }

  #callsOf(resource: TurnResource, status: number | undefined): Histogram.Internal<string> {
    const name = status === undefined ? "none" : `${Math.floor(status / 100)}xx`;
    const key = `${resource} ${name}`;
    let child = this.#callsBound.get(key);
    if (child === undefined) {
      child = this.#calls.labels({ resource, class: name });
      this.#callsBound.set(key, child);
    }
    return child;
  }

  #answersOf(resource: TurnResource, status: string): Counter.Internal {
    const key = `${resource} ${status}`;
    let child = this.#answersBound.get(key);
    if (child === undefined) {
      child = this.#answers.labels({ resource, status });
      this.#answersBound.set(key, child);
    }
    return child;
  }
}

function bindCounts(
  flow: Flow,
  messages: Counter<"flow" | "result">,
  setbacks: Counter<"flow" | "result">,
): Map<string, Count> {
  const counts = new Map<string, Count>();
  for (const result of RESULTS[flow]) {
    const isSettled = flow !== "outbound" || result === "accepted";
    counts.set(result, { counter: messages.labels({ flow, result }), isSettled, total: 0 });
  }
  for (const result of SETBACKS[flow]) {
    // What goes to a delay queue is acked when its copy is there.
    const isSettled = result === "delayed";
    counts.set(result, { counter: setbacks.labels({ flow, result }), isSettled, total: 0 });
  }
  for (const { counter } of counts.values()) counter.inc(0);
  return counts;
}
