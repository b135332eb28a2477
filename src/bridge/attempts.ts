/**
 * Calls Turn about one message until Turn has it or its quick attempts are over.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { CallResult } from "../turn/mod.ts";
import type { Delivery } from "./delivery.ts";
import type { CallingOptions, FlowOptions } from "./options.ts";
import { type Failed, MAX_QUICK_WAIT_MS, retryDelayMs } from "./retries.ts";

const log = getLogger(["turn-channels", "bridge"]);

/**
 * A Turn that can't be reached, or refuses our token, is given so many calls to be found to be down
 * (see circuit_breaker.ts), also by a message that comes alone: it is not to spend its retries on that.
 */
const UNREACHABLE_RETRIES = 8;

/** What the calls came to. */
export type AttemptsResult =
  | Extract<CallResult, { readonly kind: "delivered" }>
  | Failed
  | { readonly kind: "superseded" }
  /** Its time in hand is over, or it goes back. */
  | { readonly kind: "over" };

/** Calls Turn; `P` is what it is told. */
export class Attempts<P> {
  readonly #options: FlowOptions & CallingOptions<P>;

  constructor(options: FlowOptions & CallingOptions<P>) {
    this.#options = options;
  }

  /** Calls; see the head of this file. */
  async run(of: Delivery<P>, payload: P): Promise<AttemptsResult> {
    const { gate, retry, random = Math.random } = this.#options;
    for (;;) {
      const result = await this.#call(of, payload);
      if (result.kind === "limited") continue;
      if (result.kind !== "retry" && result.kind !== "refused") return result;
      // Then it is no fault of the message's, and it waits with all others.
      if (result.kind === "retry" && gate.status().breaker !== "closed") continue;
      of.failures++;
      // When Turn asks for more than can be waited here, a delay queue is the place.
      const again = result.kind === "retry" && of.failures <= mostFailures(result, of) &&
        result.afterMs <= MAX_QUICK_WAIT_MS;
      if (!again) return result;
      const delayMs = retryDelayMs(of.failures - 1, retry, random());
      const waitMs = Math.max(delayMs, result.afterMs);
      this.#report(of, result, waitMs);
      await of.held.wait(waitMs);
    }
  }

  /** One call, when the gate lets it through. */
  async #call(
    of: Delivery<P>,
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

  #report({ job: { names }, failures }: Delivery<P>, failed: Failed, waitMs: number): void {
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
  { quickRetries }: Delivery<never>,
): number {
  return fault === "unreachable" ? Math.max(quickRetries, UNREACHABLE_RETRIES) : quickRetries;
}
