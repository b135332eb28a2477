/**
 * The way to Turn of one channel. Every call goes through here, and waits here: while Turn is down,
 * for its rate limit, for its turn. Users' messages go before statuses.
 *
 * While Turn is down no call is made, and no message spends its retries: those in hand wait here, the
 * others in their queues, as no more are taken off than may be in hand. After each pause a call is made
 * about one of those that wait, to see.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Metrics, TurnFigures } from "../telemetry/mod.ts";
import type { CallResult } from "../turn/mod.ts";
import { WakeUp, type WakeUpOptions } from "./wake_up.ts";
import { CircuitBreaker, type CircuitState, type Sign } from "./circuit_breaker.ts";
import type { Held } from "./in_flight.ts";
import { RateLimiter, type Resource } from "./rate_limiter.ts";
import { Stopwatch } from "./stopwatch.ts";

const log = getLogger(["turn-channels", "bridge"]);

/** What a {@linkcode TurnGate} is made of. */
export interface TurnGateOptions extends WakeUpOptions {
  /** The connector's name, for the log. */
  readonly connector: string;
  /** Most calls at once, for each of messages and statuses. */
  readonly concurrency: number;
  /** Counts calls, if given. */
  readonly metrics?: Metrics;
  /** Milliseconds since 1970; the platform's clock, unless given. */
  readonly now?: () => number;
}

/** How Turn is, for health and metrics. */
export interface TurnStatus {
  /** Whether calls are made. */
  readonly breaker: CircuitState;
  /** When Turn took a call last, in milliseconds since 1970; undefined if it has not yet. */
  readonly lastSuccess: number | undefined;
}

/** The permission to make one call; it is to be given back by {@linkcode TurnGate.leave}. */
export interface Pass {
  readonly resource: Resource;
  readonly id: string;
  readonly bucket: string;
  readonly isProbe: boolean;
  /** See {@linkcode CircuitBreaker.epoch}. */
  readonly epoch: number;
  /** When it was given. */
  readonly since: number;
}

/** It looks again at least so often while somebody waits, in milliseconds: the clock may be set. */
const LOOK_MS = 60_000;
/** Above so many, it is forgotten which messages were probes in vain. */
const MOST_FAILED_PROBES = 1_000;

interface Waiter {
  readonly id: string;
  readonly admit: (pass: Pass | undefined) => void;
}

/** Whose time in hand may be over while it waits. */
export type Leaving = Pick<Held, "isOver" | "over">;

/** Lets calls through; see the head of this file. */
export class TurnGate {
  readonly #options: TurnGateOptions;
  readonly #now: () => number;
  readonly #breaker = new CircuitBreaker();
  readonly #pacer = new RateLimiter();
  readonly #waiting: Record<Resource, Waiter[]> = { messages: [], statuses: [] };
  readonly #calls: Record<Resource, number> = { messages: 0, statuses: 0 };
  /** How long calls are held back for the rate limit. */
  readonly #held: Record<Resource, Stopwatch> = {
    messages: new Stopwatch(),
    statuses: new Stopwatch(),
  };
  /** Messages that were probes in vain, since Turn is down. */
  readonly #failedProbes = new Set<string>();
  #probing = false;
  #stopped = false;
  #downSince = 0;
  #lastSuccess: number | undefined;
  /** What the clock said last. */
  #latest = -Infinity;
  readonly #alarm: WakeUp;

  /** Makes it, open. */
  constructor(options: TurnGateOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#alarm = new WakeUp(() => this.#dispatch(), options);
  }

  /** How Turn is. */
  status(): TurnStatus {
    return { breaker: this.#breaker.state, lastSuccess: this.#lastSuccess };
  }

  /** How many wait here. */
  waiting(resource: Resource): number {
    return this.#waiting[resource].length;
  }

  /** For metrics. */
  figures(): TurnFigures {
    const resource = (name: Resource): TurnFigures["resources"][Resource] => ({
      inFlight: this.#calls[name],
      waiting: this.waiting(name),
      heldMs: this.#held[name].totalMs(this.#now()),
    });
    return {
      ...this.status(),
      resources: { messages: resource("messages"), statuses: resource("statuses") },
      limits: this.#pacer.known(),
    };
  }

  /**
   * Waits until a call may be made.
   *
   * @param id What it is about.
   * @param held Who waits, if that may have to leave.
   * @return Undefined if no call may be made: its time is over, or we are stopping.
   */
  enter(resource: Resource, id: string, held?: Leaving): Promise<Pass | undefined> {
    if (this.#stopped || held?.isOver) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<Pass | undefined>();
    let over: AbortSignal | undefined;
    const leave = (): void => {
      const waiters = this.#waiting[resource];
      waiters.splice(waiters.indexOf(waiter), 1);
      resolve(undefined);
    };
    let isWaiting = true;
    const admit = (pass: Pass | undefined): void => {
      isWaiting = false;
      over?.removeEventListener("abort", leave);
      resolve(pass);
    };
    const waiter: Waiter = { id, admit };
    this.#waiting[resource].push(waiter);
    this.#dispatch();
    if (isWaiting && held !== undefined) {
      over = held.over;
      if (over.aborted) leave();
      else over.addEventListener("abort", leave, { once: true });
    }
    return promise;
  }

  /** The call has ended, or was not made after all (`undefined`). */
  leave(pass: Pass, delivery: CallResult | undefined): void {
    const now = this.#time();
    this.#calls[pass.resource]--;
    if (pass.isProbe) this.#probing = false;
    if (delivery === undefined) {
      this.#pacer.notMade(pass.bucket);
    } else {
      const refusedForMs = delivery.kind === "limited" ? delivery.afterMs : undefined;
      this.#pacer.ended(pass.resource, pass.bucket, delivery.rateLimit, refusedForMs, now);
      this.#record(pass, delivery, now);
    }
    this.#dispatch();
  }

  /** Lets nothing more through: we are stopping. */
  stop(): void {
    this.#stopped = true;
    this.#alarm.clear();
    for (const stopwatch of Object.values(this.#held)) stopwatch.stop(this.#now());
    for (const waiters of Object.values(this.#waiting)) {
      for (const { admit } of waiters.splice(0)) admit(undefined);
    }
  }

  #record(pass: Pass, delivery: CallResult, now: number): void {
    this.#options.metrics?.called(pass.resource, delivery.status, (now - pass.since) / 1000);
    if (delivery.kind === "delivered") this.#lastSuccess = now;
    const before = this.#breaker.state;
    this.#breaker.record(signOf(delivery), pass.epoch, now);
    const after = this.#breaker.state;
    if (after === "open" && before !== "open") {
      if (before === "closed") {
        this.#downSince = now;
        this.#options.metrics?.breakerOpened();
        const reason = "reason" in delivery ? delivery.reason : "";
        const values = { connector: this.#options.connector, reason };
        log.error("Turn is down, messages of {connector} stay in their queues: {reason}", values);
      } else {
        if (this.#failedProbes.size >= MOST_FAILED_PROBES) this.#failedProbes.clear();
        this.#failedProbes.add(pass.id);
        log.debug("Turn is still down");
      }
    }
    if (after === "closed" && before !== "closed") {
      this.#failedProbes.clear();
      const seconds = Math.round((now - this.#downSince) / 1000);
      const values = { connector: this.#options.connector, seconds };
      log.warning("Turn works again for {connector} after {seconds} s", values);
    }
  }

  /** A clock that is set back makes no pause longer. */
  #time(): number {
    const now = this.#now();
    const backMs = this.#latest - now;
    this.#latest = now;
    if (backMs > 0) { for (const part of [this.#breaker, this.#pacer]) part.setBack(backMs); }
    return now;
  }

  #dispatch(): void {
    if (this.#stopped) return;
    const waitMs = this.#letThroughNow(this.#time());
    if (waitMs !== Infinity) this.#alarm.set(Math.min(Math.max(1, waitMs), LOOK_MS));
  }

  /** Lets through what may go. Answers after how long to look again; not by itself: `Infinity`. */
  #letThroughNow(now: number): number {
    if (this.#breaker.state === "open") {
      if (now < this.#breaker.probeAt) return this.#breaker.probeAt - now;
      this.#breaker.probe();
    }
    if (this.#breaker.state === "half-open") {
      this.#probe();
      return Infinity;
    }
    return Math.min(this.#admit("messages", now), this.#admit("statuses", now));
  }

  /** Lets through what may go. Answers as {@linkcode TurnGate.#letThroughNow} does. */
  #admit(resource: Resource, now: number): number {
    const waiters = this.#waiting[resource];
    this.#held[resource].stop(now);
    while (waiters.length > 0 && this.#calls[resource] < this.#options.concurrency) {
      const waitMs = this.#pacer.waitMs(resource, now);
      if (waitMs > 0) {
        this.#held[resource].start(now);
        return waitMs;
      }
      const waiter = waiters.shift();
      if (waiter !== undefined) this.#letThrough(resource, waiter, false);
    }
    return Infinity;
  }

  /** One of those that wait, and not always the same, as it may be one that fails by itself. */
  #probe(): void {
    if (this.#probing) return;
    for (const resource of ["messages", "statuses"] as const) {
      const waiters = this.#waiting[resource];
      const index = waiters.findIndex(({ id }) => !this.#failedProbes.has(id));
      const [waiter] = index < 0 ? [] : waiters.splice(index, 1);
      if (waiter !== undefined) return this.#letThrough(resource, waiter, true);
    }
    if (this.waiting("messages") + this.waiting("statuses") === 0) return;
    this.#failedProbes.clear();
    this.#probe();
  }

  #letThrough(resource: Resource, { id, admit }: Waiter, isProbe: boolean): void {
    this.#probing ||= isProbe;
    this.#calls[resource]++;
    const { epoch } = this.#breaker;
    const bucket = this.#pacer.begun(resource);
    admit({ resource, id, bucket, isProbe, epoch, since: this.#now() });
  }
}

/** Whatever it answers about a message, a Turn that answers works. */
function signOf(delivery: CallResult): Sign {
  if (delivery.kind !== "retry" || delivery.fault === "message") return "works";
  return delivery.fault === "turn" ? "fails" : "unreachable";
}
