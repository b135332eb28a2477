/**
 * What is looked up when Prometheus asks, because somebody knows it anyway: how Turn, the broker, the
 * queues and the cache are, and what the program takes of the machine.
 *
 * @module
 */

import type { Gauge, Registry } from "prom-client";
import { METRICS } from "./catalogue.ts";
import { makeCounter, makeGauge } from "./make.ts";
import { ProcessFigures } from "./process_figures.ts";

/** What is known of Turn. */
export interface TurnFigures {
  /** Whether calls are made: `closed` when they are. */
  readonly breaker: "closed" | "open" | "half-open";
  /** When Turn took a call last, in milliseconds since 1970. */
  readonly lastSuccess: number | undefined;
  /** By what is called. */
  readonly resources: Readonly<Record<"messages" | "statuses", CallFigures>>;
  /** What Turn said last of its limits; the empty name is the one without. */
  readonly limits: readonly {
    readonly bucket: string;
    readonly limit: number;
    readonly left: number;
    /** The end of a window, in milliseconds since 1970; 0 if it has told none. */
    readonly resetAt: number;
  }[];
}

/** What is known of the calls of a sort. */
export interface CallFigures {
  /** Not answered yet. */
  readonly inFlight: number;
  /** Not made yet. */
  readonly waiting: number;
  /** How long any were held back for the rate limit, in milliseconds, all in all. */
  readonly heldMs: number;
}

/** What is known of a queue. */
export interface QueueFigures {
  /** In the queue itself. */
  readonly waiting: number;
  /** In its parking queue; undefined if it has none. */
  readonly parked: number | undefined;
  /** How long there are messages and none is finished, in milliseconds. */
  readonly stalledMs: number;
}

/** Who knows. */
export interface Sources {
  /** Of Turn. */
  turn(): TurnFigures;
  /** Of the broker. */
  broker(): {
    readonly publishing: boolean;
    readonly consuming: boolean;
    readonly blocked: boolean;
  };
  /** Whether messages are taken off the queues here, and not by another bridge. */
  speaks(): boolean;
  /** Of the queues, by their names without the connector's; none while nothing is known. */
  queues(): ReadonlyMap<string, QueueFigures>;
  /** By their names in metrics, whether something can't be done with a queue. */
  queueFaults(): ReadonlyMap<string, boolean>;
  /** How many messages of all channels wait to be tried again, by delay; as above. */
  delayed(): ReadonlyMap<string, number>;
  /** Of the cache, by kind, if it can tell. */
  cacheEntries(): Readonly<Record<string, number>> | undefined;
  /** The longest that something due had to wait since this was asked last, in milliseconds. */
  loopLagMs(): number;
}

/** Turn names its buckets, so there may be any number. */
const MOST_BUCKETS = 20;

/** The figures. */
export class LiveFigures {
  readonly #requestsInFlight: Gauge;
  readonly #turn: ReturnType<typeof turnGauges>;
  readonly #stores: ReturnType<typeof storeGauges>;
  readonly #process: ProcessFigures;
  readonly #loopLag: Gauge;
  #sources: Sources | undefined;

  /** Makes the gauges. */
  constructor(registry: Registry) {
    this.#requestsInFlight = makeGauge(registry, METRICS.requestsInFlight);
    this.#turn = turnGauges(registry);
    this.#stores = storeGauges(registry);
    this.#process = new ProcessFigures(registry);
    this.#loopLag = makeGauge(registry, METRICS.loopLag);
  }

  /** Says who knows. */
  watch(sources: Sources): void {
    this.#sources = sources;
  }

  /** Sets them to what is so now. */
  look(requestsInFlight: number): void {
    this.#requestsInFlight.set(requestsInFlight);
    this.#process.look();
    if (this.#sources === undefined) return;
    this.#loopLag.set(this.#sources.loopLagMs() / 1000);
    this.#lookAtTurn(this.#sources.turn());
    this.#lookAtBroker(this.#sources.broker());
    this.#lookAtQueues(this.#sources.queues());
    const { speaks, delayed, faults } = this.#stores;
    speaks.set(this.#sources.speaks() ? 1 : 0);
    delayed.reset();
    for (const [delay, count] of this.#sources.delayed()) delayed.set({ delay }, count);
    for (const [queue, isFaulty] of this.#sources.queueFaults()) {
      faults.set({ queue }, isFaulty ? 1 : 0);
    }
    const { cacheEntries } = this.#stores;
    for (const [kind, count] of Object.entries(this.#sources.cacheEntries() ?? {})) {
      cacheEntries.set({ kind }, count);
    }
  }

  #lookAtTurn({ breaker, lastSuccess, resources, limits }: TurnFigures): void {
    const { state, success, inFlight, waiting, wait, limit, left, reset } = this.#turn;
    for (const name of ["closed", "open", "half-open"]) {
      state.set({ state: name }, name === breaker ? 1 : 0);
    }
    success.set((lastSuccess ?? 0) / 1000);
    wait.reset();
    for (const resource of ["messages", "statuses"] as const) {
      inFlight.set({ resource }, resources[resource].inFlight);
      waiting.set({ resource }, resources[resource].waiting);
      wait.inc({ resource }, resources[resource].heldMs / 1000);
    }
    for (const known of limits.slice(0, MOST_BUCKETS)) {
      const bucket = known.bucket || "default";
      limit.set({ bucket }, known.limit);
      left.set({ bucket }, known.left);
      reset.set({ bucket }, known.resetAt / 1000);
    }
  }

  #lookAtBroker(broker: ReturnType<Sources["broker"]>): void {
    const { connected, blocked } = this.#stores;
    connected.set({ direction: "publish" }, broker.publishing ? 1 : 0);
    connected.set({ direction: "consume" }, broker.consuming ? 1 : 0);
    blocked.set(broker.blocked ? 1 : 0);
  }

  /** What is not known any more is not told: an old number would be a wrong one. */
  #lookAtQueues(queues: ReturnType<Sources["queues"]>): void {
    const { messages, stalled } = this.#stores;
    messages.reset();
    stalled.reset();
    for (const [queue, { waiting, parked, stalledMs }] of queues) {
      messages.set({ queue, place: "waiting" }, waiting);
      if (parked !== undefined) messages.set({ queue, place: "parked" }, parked);
      stalled.set({ queue }, stalledMs / 1000);
    }
  }
}

// deno-lint-ignore explicit-function-return-type -- The gauges' label types are the catalogue's.
function turnGauges(registry: Registry) {
  return {
    inFlight: makeGauge(registry, METRICS.inFlight),
    waiting: makeGauge(registry, METRICS.waiting),
    state: makeGauge(registry, METRICS.breaker),
    success: makeGauge(registry, METRICS.lastSuccess),
    wait: makeCounter(registry, METRICS.limitWait),
    limit: makeGauge(registry, METRICS.limit),
    left: makeGauge(registry, METRICS.limitLeft),
    reset: makeGauge(registry, METRICS.limitReset),
  };
}

// deno-lint-ignore explicit-function-return-type -- As above.
function storeGauges(registry: Registry) {
  return {
    connected: makeGauge(registry, METRICS.brokerConnected),
    blocked: makeGauge(registry, METRICS.brokerBlocked),
    speaks: makeGauge(registry, METRICS.speaks),
    messages: makeGauge(registry, METRICS.queueMessages),
    stalled: makeGauge(registry, METRICS.queueStalled),
    delayed: makeGauge(registry, METRICS.delayed),
    faults: makeGauge(registry, METRICS.queueFaults),
    cacheEntries: makeGauge(registry, METRICS.cacheEntries),
  };
}
