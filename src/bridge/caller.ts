/**
 * Calls Turn about one message until the matter is settled or its quick attempts are over.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Flow, Metrics } from "../telemetry/mod.ts";
import type { Delivery } from "../turn/mod.ts";
import type { TurnGate } from "./gate.ts";
import { type Failed, MAX_QUICK_WAIT_MS, retryDelayMs, type RetryOptions } from "./retries.ts";
import { sleep } from "./sleep.ts";

const log = getLogger(["turn-channels", "bridge"]);

/** Longest that quick attempts hold a message; see {@linkcode MAX_QUICK_WAIT_MS}. */
const MAX_HOLD_MS = 10 * 60_000;

/**
 * A Turn that can't be reached, or refuses our token, is given so many calls to be found to be down
 * (see breaker.ts), also by a message that comes alone: it is not to spend its retries on that.
 */
const UNREACHABLE_RETRIES = 8;

/** What a {@linkcode Caller} is made of. */
export interface CallerOptions {
  /** Which way it carries. */
  readonly flow: Exclude<Flow, "outbound">;
  /** The way to Turn. */
  readonly gate: TurnGate;
  /** How often. */
  readonly retry: RetryOptions;
  /** Counts attempts. */
  readonly metrics: Metrics;
  /** Fires when nothing new is to be begun. */
  readonly stopping: AbortSignal;
  /** Fires when what is under way is to be left. */
  readonly abandon: AbortSignal;
  /** From 0 up to, not including, 1. */
  readonly random?: () => number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Turn is told nothing of it. */
export interface Skip {
  /** Tells it from a {@linkcode Delivery}. */
  readonly kind: "skip";
  /** The reason, a plain word. */
  readonly why: string;
}

/** What is called about. */
export interface Call {
  /** Its own id, the same at each delivery. */
  readonly id: string;
  /** How it is called in logs. */
  readonly names: Readonly<Record<string, string>> & { readonly messageId: string };
  /** Fires when it can't be answered any more. */
  readonly lost: AbortSignal;
  /** Quick attempts after the first. */
  readonly retries: number;
  /** Quick attempts that have failed already. */
  readonly failures: number;
  /** Makes the call, when its turn has come. */
  call(signal: AbortSignal): Promise<Delivery> | Skip;
}

/** What calling came to; `failures` are the calls that failed by no fault of Turn's as a whole. */
export type Outcome =
  | Skip
  | { readonly kind: "delivered"; readonly failures: number }
  | { readonly kind: "failed"; readonly failed: Failed; readonly failures: number }
  /** It is to go back to its queue. */
  | { readonly kind: "put_back"; readonly failures: number };

/** Calls Turn. */
export class Caller {
  readonly #options: CallerOptions;
  readonly #random: () => number;
  readonly #now: () => number;

  /** Makes it; no I/O. */
  constructor(options: CallerOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#now = options.now ?? Date.now;
  }

  /** Whether nothing more is to be begun for this message. */
  isOver(lost: AbortSignal): boolean {
    return lost.aborted || this.#options.stopping.aborted;
  }

  /** Waits, but not for what is over. */
  pause(ms: number, lost: AbortSignal): Promise<void> {
    return sleep(ms, AbortSignal.any([this.#options.stopping, lost]));
  }

  /** Calls; see the head of this file. */
  async run(call: Call): Promise<Outcome> {
    let { failures } = call;
    const until = this.#now() + MAX_HOLD_MS;
    for (;;) {
      const came = await this.#callOnce(call);
      if (came === undefined) return { kind: "put_back", failures };
      if (came.kind === "skip") return came;
      if (came.kind === "delivered") return { kind: "delivered", failures };
      if (came.kind === "limited" || this.#isTurnDown(came)) {
        if (this.#now() > until) return { kind: "put_back", failures };
        continue;
      }
      failures++;
      // When Turn asks for more than can be waited here, a delay queue is the place.
      const again = came.kind === "retry" && failures <= mostFailures(came, call) &&
        came.afterMs <= MAX_QUICK_WAIT_MS;
      const waitMs = again ? this.#waitMs(failures - 1, came.afterMs) : 0;
      if (!again || this.#now() + waitMs > until) return { kind: "failed", failed: came, failures };
      this.#report(call, came, failures, waitMs);
      await this.pause(waitMs, call.lost);
    }
  }

  /** When its turn has come; undefined if the message is to be put back instead. */
  async #callOnce({ id, lost, call }: Call): Promise<Delivery | Skip | undefined> {
    const { gate, flow, abandon } = this.#options;
    const pass = await gate.enter(flow === "inbound" ? "messages" : "statuses", id);
    if (pass === undefined) return undefined;
    let delivery: Delivery | undefined;
    try {
      if (this.isOver(lost)) return undefined;
      const came = call(abandon);
      if ("kind" in came) return came;
      return delivery = await came;
    } catch (error) {
      if (abandon.aborted) return undefined;
      throw error;
    } finally {
      gate.leave(pass, delivery);
    }
  }

  /** Then it is no fault of the message's, and it waits with all others. */
  #isTurnDown(failed: Failed): boolean {
    return failed.kind === "retry" && this.#options.gate.status().breaker !== "closed";
  }

  #waitMs(retries: number, afterMs: number): number {
    const delayMs = retryDelayMs(retries, this.#options.retry, this.#random());
    return Math.max(delayMs, afterMs);
  }

  #report({ names }: Call, failed: Failed, failures: number, waitMs: number): void {
    const { flow, metrics } = this.#options;
    const { reason, said } = failed;
    metrics.count(flow, "retried");
    // It may quote the message, so it is told only where that may be.
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

function mostFailures(failed: Extract<Failed, { kind: "retry" }>, { retries }: Call): number {
  return failed.fault === "unreachable" ? Math.max(retries, UNREACHABLE_RETRIES) : retries;
}
