// Calls Turn about one message until Turn has it or its quick attempts are over.

import { readTrace } from "../telemetry/mod.ts";
import type { CallResult } from "../turn/mod.ts";
import type { Delivery } from "./delivery.ts";
import { log } from "./log.ts";
import type { FlowOptions } from "./options.ts";
import { type Failed, MAX_QUICK_WAIT_MS, retryDelayMs } from "./retries.ts";

/**
 * A Turn that can't be reached, or refuses our token, is given so many calls to be found to be down
 * (see circuit_breaker.ts), also by a message that comes alone: it is not to spend its retries on that.
 */
const UNREACHABLE_RETRIES = 8;

/** Why no call was made: a later message replaces this one, or its time in hand is over. */
type NotCalled = { readonly kind: "superseded" | "over" };

type AttemptsResult = Extract<CallResult, { kind: "delivered" }> | Failed | NotCalled;

/** Sends `payload` to Turn, again and again as long as quick attempts are worth it. */
export async function attempt<P>(
  options: FlowOptions<P>,
  of: Delivery<P>,
  payload: P,
): Promise<AttemptsResult> {
  const { gate, retry, random = Math.random } = options;
  for (;;) {
    const result = await callOnce(options, of, payload);
    if (result.kind === "limited") continue;
    if (result.kind !== "retry" && result.kind !== "refused") return result;
    // Turn is down, for which the message is not to blame: it waits at the gate with all others.
    if (result.kind === "retry" && gate.status().breaker !== "closed") continue;
    of.failures++;
    if (result.kind === "refused") return result;
    // What comes out of a delay queue has had its quick attempts.
    const quickRetries = of.past !== undefined && of.past.waits > 0 ? 0 : retry.maxRetries;
    const least = result.fault === "unreachable" ? UNREACHABLE_RETRIES : 0;
    if (of.failures > Math.max(quickRetries, least)) return result;
    // When Turn asks for more than can be waited here, a delay queue is the place.
    if (result.afterMs > MAX_QUICK_WAIT_MS) return result;
    const waitMs = Math.max(retryDelayMs(of.failures - 1, retry, random()), result.afterMs);
    report(options, of, result, waitMs);
    await of.held.wait(waitMs);
  }
}

/** Calls once, when the gate lets it through. */
async function callOnce<P>(
  options: FlowOptions<P>,
  of: Delivery<P>,
  payload: P,
): Promise<CallResult | NotCalled> {
  const { call, timeoutMs, gate, flow, abandon: signal } = options;
  const resource = flow === "inbound" ? "messages" : "statuses";
  const pass = await gate.enter(resource, of.job.id, of.held);
  if (pass === undefined) return { kind: "over" };
  let result: CallResult | undefined;
  try {
    if (of.held.isOver) return { kind: "over" };
    if (of.isSuperseded) return { kind: "superseded" };
    await using _watch = await of.watch();
    const trace = readTrace((name) => of.arrival.headers[name]);
    result = await call(payload, { timeoutMs: timeoutMs(), signal, trace });
    return result;
  } catch (error) {
    if (signal.aborted) return { kind: "over" };
    throw error;
  } finally {
    gate.leave(pass, result);
  }
}

function report(
  { flow, metrics }: Pick<FlowOptions, "flow" | "metrics">,
  { job: { names }, failures }: Delivery<never>,
  { reason, said }: Failed,
  waitMs: number,
): void {
  metrics.count(flow, "retried");
  // It may quote the message, so it is logged only where that may be.
  log.debug("Turn's answer about {flow} {messageId}: {content}", { flow, ...names, content: said });
  const text = "Not delivered, trying again: {flow} {messageId}, {reason}";
  log.warning(text, { flow, ...names, reason, failures, waitMs });
}
