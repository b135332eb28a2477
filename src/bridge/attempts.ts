/**
 * Calls Turn about one message until Turn has it or its quick attempts are over.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Metrics, Trace } from "../telemetry/mod.ts";
import type { CallOptions, CallResult } from "../turn/mod.ts";
import type { QueuedFlow } from "./delivery_records.ts";
import type { Held } from "./in_flight.ts";
import type { Job } from "./job.ts";
import { type Failed, MAX_QUICK_WAIT_MS, retryDelayMs, type RetryOptions } from "./retries.ts";
import type { TurnGate } from "./turn_gate.ts";

const log = getLogger(["turn-channels", "bridge"]);

/**
 * A Turn that can't be reached, or refuses our token, is given so many calls to be found to be down
 * (see circuit_breaker.ts), also by a message that comes alone: it is not to spend its retries on that.
 */
const UNREACHABLE_RETRIES = 8;

/** What {@linkcode Attempts} needs; `P` is what Turn is told. */
export interface AttemptsOptions<P> {
  readonly flow: QueuedFlow;
  readonly gate: TurnGate;
  readonly retry: RetryOptions;
  readonly metrics: Metrics;
  /** Turn's client. */
  readonly call: (payload: P, options: CallOptions) => Promise<CallResult>;
  /** Longest that one call may take, in milliseconds; asked at each call. */
  readonly timeoutMs: () => number;
  /** Fires when what is under way is to be left. */
  readonly abandon: AbortSignal;
  /** From 0 up to, not including, 1. */
  readonly random?: () => number;
}

/** What Turn is called about. */
export interface Attempted {
  readonly job: Pick<Job, "id" | "names">;
  /** Whose time in hand bounds all waiting. */
  readonly held: Held;
  /** What the call is a part of. */
  readonly trace: Trace | undefined;
  /** Quick attempts after the first. */
  readonly quickRetries: number;
  /** Quick attempts that have failed by no fault of Turn's as a whole, before and now. */
  failures: number;
  /** Whether a later event makes it useless; looked at last of all, as it may have waited long. */
  readonly isSuperseded: boolean;
  /** Whether Turn was called about it. */
  isCalled: boolean;
  /** Guards a call that may end the program; see poison_messages.ts. */
  watch(): Promise<AsyncDisposable | undefined>;
}

/** What the calls came to. */
export type AttemptsResult =
  | Extract<CallResult, { readonly kind: "delivered" }>
  | Failed
  | { readonly kind: "superseded" }
  /** Its time in hand is over, or it goes back. */
  | { readonly kind: "over" };

/** Calls Turn. */
export class Attempts<P> {
  readonly #options: AttemptsOptions<P>;
  readonly #random: () => number;

  constructor(options: AttemptsOptions<P>) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  /** Calls; see the head of this file. */
  async run(of: Attempted, payload: P): Promise<AttemptsResult> {
    for (;;) {
      const result = await this.#call(of, payload);
      if (result.kind === "limited") continue;
      if (result.kind !== "retry" && result.kind !== "refused") return result;
      // Then it is no fault of the message's, and it waits with all others.
      if (result.kind === "retry" && this.#options.gate.status().breaker !== "closed") continue;
      of.failures++;
      // When Turn asks for more than can be waited here, a delay queue is the place.
      const again = result.kind === "retry" && of.failures <= mostFailures(result, of) &&
        result.afterMs <= MAX_QUICK_WAIT_MS;
      if (!again) return result;
      const delayMs = retryDelayMs(of.failures - 1, this.#options.retry, this.#random());
      const waitMs = Math.max(delayMs, result.afterMs);
      this.#report(of, result, waitMs);
      await of.held.wait(waitMs);
    }
  }

  /** One call, when the gate lets it through. */
  async #call(
    of: Attempted,
    payload: P,
  ): Promise<CallResult | Extract<AttemptsResult, { kind: "over" | "superseded" }>> {
    const { call, timeoutMs, gate, flow, abandon: signal } = this.#options;
    const resource = flow === "inbound" ? "messages" : "statuses";
    const pass = await gate.enter(resource, of.job.id, of.held);
    if (pass === undefined) return { kind: "over" };
    let result: CallResult | undefined;
    try {
      if (of.held.isOver) return { kind: "over" };
      if (of.isSuperseded) return { kind: "superseded" };
      await using _watch = await of.watch();
      of.isCalled = true;
      result = await call(payload, { timeoutMs: timeoutMs(), signal, trace: of.trace });
      return result;
    } catch (error) {
      if (signal.aborted) return { kind: "over" };
      throw error;
    } finally {
      gate.leave(pass, result);
    }
  }

  #report({ job: { names }, failures }: Attempted, failed: Failed, waitMs: number): void {
    const { flow, metrics } = this.#options;
    const { reason, said } = failed;
    metrics.count(flow, "retried");
    // It may quote the message, so it is logged only where that may be.
    log.debug("Turn said of {flow} {messageId}: {content}", { flow, ...names, content: said });
    log.warning("Not delivered, trying again: {flow} {messageId}, {reason}", {
      flow,
      ...names,
      reason,
      failures,
      waitMs,
    });
  }
}

function mostFailures(
  { fault }: Extract<Failed, { kind: "retry" }>,
  { quickRetries }: Attempted,
): number {
  return fault === "unreachable" ? Math.max(quickRetries, UNREACHABLE_RETRIES) : quickRetries;
}
