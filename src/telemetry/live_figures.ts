// What is looked up when Prometheus asks, because somebody knows it anyway: the state of Turn, of the
// broker, of the queues and of the cache. What the process takes of the machine is in
// registry.ts.

import type { Instruments } from "./instruments.ts";
import type { TurnResource } from "./metrics.ts";

/** Figures of Turn. */
export interface TurnFigures {
  /** Whether calls are made: `closed` when they are. */
  readonly breaker: "closed" | "open" | "half-open";
  /** When Turn took a call last, in milliseconds since 1970. */
  readonly lastSuccess: number | undefined;
  /** Whether it is the token that Turn refused with the last call. */
  readonly refusesToken: boolean;
  /** By the resource that is called. */
  readonly resources: Readonly<
    Record<TurnResource, {
      /** Calls that Turn has not answered yet. */
      readonly inFlight: number;
      /** Calls that are not made yet. */
      readonly waiting: number;
      /** For how long calls stood ready and were held back for the rate limit, in milliseconds. */
      readonly heldMs: number;
    }>
  >;
  /** What Turn said last of its limits; `bucket` is empty for the one without a name. */
  readonly limits: readonly {
    readonly bucket: string;
    readonly limit: number;
    readonly left: number;
    /** The end of a window, in milliseconds since 1970; 0 if it has told none. */
    readonly resetAt: number;
  }[];
}

/** Figures of a queue. */
export interface QueueFigures {
  /** Messages in the queue itself. */
  readonly waiting: number;
  /** Messages in its parking queue; undefined if it has none. */
  readonly parked: number | undefined;
  /** For how long there have been messages of which none was finished, in milliseconds. */
  readonly stalledMs: number;
}

/** Where a channel's figures come from. */
export interface ChannelSources {
  /** The state of Turn. */
  turn(): TurnFigures;
  /** SMS a second by the transport that was found to take so many; 0: all that comes. */
  smsRates(): ReadonlyMap<string, number>;
  /** Whether messages are taken off the queues here, and not by another bridge. */
  speaks(): boolean;
  /** Queues by their labels; none while nothing is known. */
  queues(): ReadonlyMap<string, QueueFigures>;
  /** By the queues' labels, whether something can't be done with a queue. */
  queueFaults(): ReadonlyMap<string, boolean>;
  /** The number of entries by kind, if the cache can tell. */
  cacheEntries(): Readonly<Record<string, number>> | undefined;
}

/** Figures of the log. */
export interface LogFigures {
  /** How many lines were lost since the start. */
  readonly lost: number;
  /** For how long a write has been tried in vain, in milliseconds. */
  readonly stalledMs: number;
}

/** Where figures come from that no channel has for itself. */
export interface ProgramSources {
  /** The state of the broker. */
  broker(): Readonly<Record<"publishing" | "consuming" | "blocked", boolean>>;
  /** How many messages of all channels wait to be tried again, by delay; none while nothing is known. */
  delayed(): ReadonlyMap<string, number>;
  /** The longest that something due had to wait since this was asked last, in milliseconds. */
  loopLagMs(): number;
  /** The state of the log. */
  log(): LogFigures;
}

/** Turn names its buckets, so there may be any number. */
const MOST_BUCKETS = 20;

/** Names of transports come off the wire. */
const MOST_TRANSPORTS = 20;
const LONGEST_NAME = 64;

/** Sets the program's metrics to the figures of now. */
export function showProgram(to: Instruments, sources: ProgramSources): void {
  const { publishing, consuming, blocked } = sources.broker();
  to.brokerConnected.set({ direction: "publish" }, Number(publishing));
  to.brokerConnected.set({ direction: "consume" }, Number(consuming));
  to.brokerBlocked.set(Number(blocked));
  to.loopLag.set(sources.loopLagMs() / 1000);
  const { lost, stalledMs } = sources.log();
  to.logLost.series({}).total = lost;
  to.logStalled.set(stalledMs / 1000);
  for (const [delay, count] of sources.delayed()) to.delayed.set({ delay }, count);
}

/** Sets a channel's metrics to the figures of now. */
export function showChannel(to: Instruments, connector: string, sources: ChannelSources): void {
  showTurn(to, connector, sources.turn());
  to.speaks.set({ connector }, Number(sources.speaks()));
  for (const [transport, rate] of [...sources.smsRates()].slice(0, MOST_TRANSPORTS)) {
    to.smsRate.set({ transport: transport.slice(0, LONGEST_NAME), connector }, rate);
  }
  for (const [queue, { waiting, parked, stalledMs }] of sources.queues()) {
    to.queueMessages.set({ queue, place: "waiting", connector }, waiting);
    if (parked !== undefined) to.queueMessages.set({ queue, place: "parked", connector }, parked);
    to.queueStalled.set({ queue, connector }, stalledMs / 1000);
  }
  for (const [queue, isFaulty] of sources.queueFaults()) {
    to.queueFaults.set({ queue, connector }, Number(isFaulty));
  }
  for (const [kind, count] of Object.entries(sources.cacheEntries() ?? {})) {
    to.cacheEntries.set({ kind, connector }, count);
  }
}

function showTurn(to: Instruments, connector: string, turn: TurnFigures): void {
  for (const state of ["closed", "open", "half-open"]) {
    to.breaker.set({ state, connector }, Number(state === turn.breaker));
  }
  to.lastSuccess.set({ connector }, (turn.lastSuccess ?? 0) / 1000);
  for (const resource of ["messages", "statuses"] as const) {
    const { inFlight, waiting, heldMs } = turn.resources[resource];
    to.inFlight.set({ resource, connector }, inFlight);
    to.waiting.set({ resource, connector }, waiting);
    to.limitWait.series({ resource, connector }).total = heldMs / 1000;
  }
  for (const { bucket: name, limit, left, resetAt } of turn.limits.slice(0, MOST_BUCKETS)) {
    const bucket = name || "default";
    to.limit.set({ bucket, connector }, limit);
    to.limitLeft.set({ bucket, connector }, left);
    to.limitReset.set({ bucket, connector }, resetAt / 1000);
  }
}
