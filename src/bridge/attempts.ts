/**
 * Calls Turn about one message until the matter is settled or its quick attempts are over.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Flow, Metrics } from "../telemetry/mod.ts";
import type { CallResult } from "../turn/mod.ts";
import type { TurnGate } from "./turn_gate.ts";
import type { Held } from "./in_flight.ts";
import { type Failed, MAX_QUICK_WAIT_MS, retryDelayMs, type RetryOptions } from "./retries.ts";

const log = getLogger(["turn-channels", "bridge"]);

/**
 * A Turn that can't be reached, or refuses our token, is given so many calls to be found to be down
 * (see breaker.ts), also by a message that comes alone: it is not to spend its retries on that.
 */
const UNREACHABLE_RETRIES = 8;

/** What a {@linkcode Attempts} is made of. */
export interface AttemptsOptions {
  /** Which way it carries. */
  readonly flow: Exclude<Flow, "outbound">;
  /** The way to Turn. */
  readonly gate: TurnGate;
  /** How often. */
  readonly retry: RetryOptions;
  /** Counts attempts. */
  readonly metrics: Metrics;
  /** Fires when what is under way is to be left. */
  readonly abandon: AbortSignal;
  /** From 0 up to, not including, 1. */
  readonly random?: () => number;
}

/** Turn is told nothing of it. */
export interface Skip {
  /** Tells it from a {@linkcode CallResult}. */
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
  /** Whose time in hand bounds all waiting. */
  readonly held: Held;
  /** Quick attempts after the first. */
  readonly retries: number;
  /** Counts quick attempts that have failed, before and now. */
  readonly tries: Tries;
  /** Makes the call, when its turn has come. */
  call(signal: AbortSignal): Promise<CallResult> | Skip;
  /** Goes round the call itself, if given. */
  readonly around?: Around | undefined;
}

/** Does what it is given, and something before and after it. */
export type Around = <T>(work: () => Promise<T>) => Promise<T>;

/** Calls that failed by no fault of Turn's as a whole. */
export interface Tries {
  /** How many. */
  failures: number;
}

/** What calling came to. */
export type Outcome =
  | Skip
  | { readonly kind: "delivered" }
  | { readonly kind: "failed"; readonly failed: Failed }
  /** Its time in hand is over, or it goes back. */
  | { readonly kind: "over" };

/** Calls Turn. */
export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #random: () => number;

  /** Makes it; no I/O. */
  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  /** Calls; see the head of this file. */
  async run(call: Call): Promise<Outcome> {
    const { tries, held } = call;
    for (;;) {
      const came = await this.#callOnce(call);
      if (came === undefined) return { kind: "over" };
      if (came.kind === "skip") return came;
      if (came.kind === "delivered") return { kind: "delivered" };
      if (came.kind === "limited" || this.#isTurnDown(came)) continue;
      tries.failures++;
      // When Turn asks for more than can be waited here, a delay queue is the place.
      const again = came.kind === "retry" && tries.failures <= mostFailures(came, call) &&
        came.afterMs <= MAX_QUICK_WAIT_MS;
      if (!again) return { kind: "failed", failed: came };
      const waitMs = this.#waitMs(tries.failures - 1, came.afterMs);
      this.#report(call, came, waitMs);
      await held.wait(waitMs);
    }
  }

  /** When its turn has come; undefined if it is over before. */
  async #callOnce({ id, held, call, around }: Call): Promise<CallResult | Skip | undefined> {
    const { gate, flow, abandon } = this.#options;
    const pass = await gate.enter(flow === "inbound" ? "messages" : "statuses", id, held);
    if (pass === undefined) return undefined;
    let delivery: CallResult | undefined;
    try {
      if (held.isOver) return undefined;
      // deno-lint-ignore require-await -- what is thrown has to reject
      const came = around === undefined ? call(abandon) : around(async () => call(abandon));
      if ("kind" in came) return came;
      const answer = await came;
      if (answer.kind !== "skip") delivery = answer;
      return answer;
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

  #report({ names, tries: { failures } }: Call, failed: Failed, waitMs: number): void {
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
