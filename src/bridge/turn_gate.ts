// The way to Turn of one channel. Every call goes through here, and waits here: while Turn is down,
// for its rate limit, for its turn. Users' messages go before statuses.
//
// While Turn is down no message spends its retries: those in hand wait here, the others in their
// queues. After each pause a call is made about one of those that wait, to see. Each call's end is told
// to the circuit breaker, but for what a message fails after others have come through.

import { onAbort } from "../async/mod.ts";
import type { Metrics, TurnFigures } from "../telemetry/mod.ts";
import { type CallResult, isRefusal } from "../turn/mod.ts";
import { CircuitBreaker, type Sign } from "./circuit_breaker.ts";
import type { Held } from "./in_flight.ts";
import { log } from "./log.ts";
import { RateLimiter, type Resource } from "./rate_limiter.ts";
import { type Clock, WakeUp } from "./wake_up.ts";

interface TurnGateOptions extends Clock {
  readonly connector: string;
  /** Most calls at once, for each of messages and statuses. */
  readonly concurrency: number;
  readonly metrics?: Metrics;
}

/** The permission to make one call; it is to be given back by {@linkcode TurnGate.leave}. */
export interface Pass {
  readonly resource: Resource;
  readonly id: string;
  readonly bucket: string;
  readonly isProbe: boolean;
  readonly epoch: number;
  /** When it was given, on the clock that is never set back. */
  readonly since: number;
}

interface Waiter {
  readonly id: string;
  readonly admit: (pass: Pass | undefined) => void;
}

interface Calls {
  readonly waiters: Waiter[];
  inFlight: number;
  /** How long calls were held back for the rate limit, and since when they are now. */
  heldMs: number;
  heldSince: number | undefined;
}

/** Whose time in hand may be over while it waits. */
export type Leaving = Pick<Held, "isOver" | "over">;

export class TurnGate {
  readonly #options: TurnGateOptions;
  readonly #breaker = new CircuitBreaker();
  readonly #limiter = new RateLimiter();
  readonly #calls: Record<Resource, Calls> = { messages: noCalls(), statuses: noCalls() };
  readonly #wakeUp: WakeUp;
  #probing = false;
  #stopped = false;
  #downSince = 0;
  #lastSuccess: number | undefined;
  #refusesToken = false;

  constructor(options: TurnGateOptions) {
    this.#options = options;
    this.#wakeUp = new WakeUp(() => this.#dispatch(), options);
  }

  status(): Pick<TurnFigures, "breaker" | "lastSuccess"> {
    return { breaker: this.#breaker.state, lastSuccess: this.#lastSuccess };
  }

  /** Whether Turn has taken another message since this time: since one has failed, say. */
  hasDeliveredSince(at: number | undefined): boolean {
    return at !== undefined && this.#lastSuccess !== undefined && this.#lastSuccess > at;
  }

  /** Whether Turn is down as far as is known, but no other message than this one has failed. */
  isInDoubt(id: string): boolean {
    return this.#breaker.isAlone(id);
  }

  waiting(resource: Resource): number {
    return this.#calls[resource].waiters.length;
  }

  figures(): TurnFigures {
    const figures = (resource: Resource): TurnFigures["resources"][Resource] => ({
      inFlight: this.#calls[resource].inFlight,
      waiting: this.waiting(resource),
      heldMs: heldMs(this.#calls[resource], this.#options.elapsed()),
    });
    const offset = this.#options.now() - this.#options.elapsed();
    return {
      ...this.status(),
      refusesToken: this.#refusesToken,
      resources: { messages: figures("messages"), statuses: figures("statuses") },
      limits: this.#limiter.known().map((known) => ({
        ...known,
        resetAt: Math.max(0, Math.round(known.resetAt + offset)),
      })),
    };
  }

  /**
   * Waits until a call may be made.
   * @param id What it is about.
   * @param held Who waits, if that may have to leave.
   * @return Undefined if no call may be made: its time is over, or we are stopping.
   */
  enter(resource: Resource, id: string, held?: Leaving): Promise<Pass | undefined> {
    if (this.#stopped || held?.isOver) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<Pass | undefined>();
    const { waiters } = this.#calls[resource];
    const waiter: Waiter = { id, admit: resolve };
    waiters.push(waiter);
    this.#dispatch();
    if (held === undefined || !waiters.includes(waiter)) return promise;
    const { over } = held;
    const leave = (): void => {
      const index = waiters.indexOf(waiter);
      if (index >= 0) waiters.splice(index, 1);
      resolve(undefined);
    };
    void promise.then(onAbort(over, leave));
    return promise;
  }

  /**
   * The call has ended, or was not made after all (`undefined`).
   * @param failedAt When the message failed first before that, if it did.
   */
  leave(pass: Pass, result: CallResult | undefined, failedAt?: number): void {
    const now = this.#options.elapsed();
    const { resource, bucket, isProbe } = pass;
    this.#calls[resource].inFlight--;
    if (isProbe) this.#probing = false;
    if (result === undefined || (result.kind === "retry" && result.fault === "ours")) {
      this.#limiter.notMade(bucket);
    } else {
      const { rateLimit } = result;
      const resetAt = rateLimit?.resetAt && rateLimit.resetAt - this.#options.now() + now;
      const refusedForMs = result.kind === "limited" ? result.afterMs : undefined;
      this.#limiter.ended(
        resource,
        bucket,
        rateLimit && { ...rateLimit, resetAt },
        refusedForMs,
        now,
      );
      this.#record(pass, result, failedAt, now);
    }
    this.#dispatch();
  }

  /** Lets nothing more through, as we are stopping. */
  stop(): void {
    this.#stopped = true;
    this.#wakeUp.clear();
    for (const calls of Object.values(this.#calls)) {
      endHold(calls, this.#options.elapsed());
      for (const { admit } of calls.waiters.splice(0)) admit(undefined);
    }
  }

  #record(pass: Pass, result: CallResult, failedAt: number | undefined, now: number): void {
    const { connector, metrics } = this.#options;
    metrics?.called(pass.resource, result.status, (now - pass.since) / 1000);
    if (result.kind === "delivered") this.#lastSuccess = this.#options.now();
    this.#refusesToken = isRefusal(result.status);
    const before = this.#breaker.state;
    const sign = signOf(result);
    const awayMs = result.kind === "retry" && result.fault === "unavailable" ? result.afterMs : 0;
    const isToBlame = sign !== "works" && awayMs === 0 && this.hasDeliveredSince(failedAt);
    if (before === "closed" && isToBlame) return;
    this.#breaker.record(sign, pass, now, awayMs);
    const after = this.#breaker.state;
    if (after === before) return;
    if (after === "closed") {
      const seconds = Math.round((now - this.#downSince) / 1000);
      log.warning("Turn works again for {connector} after {seconds} s", { connector, seconds });
    } else if (before === "closed") {
      this.#downSince = now;
      metrics?.breakerOpened();
      const reason = "reason" in result ? result.reason : "";
      const values = { connector, reason };
      log.error("Turn is down, messages of {connector} stay in their queues: {reason}", values);
    } else {
      log.debug("Turn is still down for {connector}", { connector });
    }
  }

  /** Lets through what may go, and sets the time to look again. */
  #dispatch(): void {
    if (this.#stopped) return;
    const now = this.#options.elapsed();
    const isAwaited = this.waiting("messages") + this.waiting("statuses") > 0;
    if (this.#breaker.state === "open") {
      const { probeAt, freshAt } = this.#breaker;
      const waitMs = (freshAt < probeAt && this.#hasFresh() ? freshAt : probeAt) - now;
      if (waitMs > 0) return isAwaited ? this.#wakeUp.set(waitMs) : undefined;
      this.#breaker.probe();
    }
    if (this.#breaker.state === "half-open") return this.#probe();
    const waitMs = Math.min(this.#admit("messages", now), this.#admit("statuses", now));
    if (waitMs !== Infinity) this.#wakeUp.set(waitMs);
  }

  /** Lets through what may go. Answers after how long to look again; not by itself: `Infinity`. */
  #admit(resource: Resource, now: number): number {
    const calls = this.#calls[resource];
    endHold(calls, now);
    while (calls.inFlight < this.#options.concurrency) {
      const [waiter] = calls.waiters;
      if (waiter === undefined) return Infinity;
      const waitMs = this.#limiter.waitMs(resource, now);
      if (waitMs > 0) {
        calls.heldSince = now;
        return waitMs;
      }
      calls.waiters.shift();
      this.#letThrough(resource, waiter, false);
    }
    return Infinity;
  }

  /** One of those that wait, and first of those that have not failed: one may fail by itself. */
  #probe(): void {
    if (this.#probing) return;
    for (const isMeant of [(id: string) => !this.#breaker.hasFailed(id), () => true]) {
      for (const resource of ["messages", "statuses"] as const) {
        const { waiters } = this.#calls[resource];
        const index = waiters.findIndex(({ id }) => isMeant(id));
        const [waiter] = index < 0 ? [] : waiters.splice(index, 1);
        if (waiter !== undefined) return this.#letThrough(resource, waiter, true);
      }
    }
  }

  #hasFresh(): boolean {
    const waiters = Object.values(this.#calls).flatMap(({ waiters }) => waiters);
    return waiters.some(({ id }) => !this.#breaker.hasFailed(id));
  }

  #letThrough(resource: Resource, { id, admit }: Waiter, isProbe: boolean): void {
    this.#probing ||= isProbe;
    this.#calls[resource].inFlight++;
    const { epoch } = this.#breaker;
    const bucket = this.#limiter.begun(resource);
    admit({ resource, id, bucket, isProbe, epoch, since: this.#options.elapsed() });
  }
}

function noCalls(): Calls {
  return { waiters: [], inFlight: 0, heldMs: 0, heldSince: undefined };
}

function heldMs({ heldMs, heldSince = Infinity }: Calls, now: number): number {
  return heldMs + Math.max(0, now - heldSince);
}

function endHold(calls: Calls, now: number): void {
  calls.heldMs = heldMs(calls, now);
  calls.heldSince = undefined;
}

/** Whatever it answers about a message, a Turn that answers works. */
function signOf(result: CallResult): Sign {
  if (result.kind !== "retry" || result.fault === "message") return "works";
  return result.fault === "turn" ? "fails" : "away";
}
