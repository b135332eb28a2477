// Calls Turn about one message until Turn has it or its quick attempts are over.

import { readTrace } from "../telemetry/mod.ts";
import type { CallResult } from "../turn/mod.ts";
import type { Delivery } from "./delivery.ts";
import { log } from "./log.ts";
import type { FlowOptions } from "./options.ts";
import { type Failed, MAX_QUICK_WAIT_MS, retryDelayMs } from "./retries.ts";

/**
 * A Turn that can't be reached, or that has failed every call since this message's first, is given so
 * many calls to be found to be down (see circuit_breaker.ts), also by a message that comes alone: it is
 * not to spend its retries on that. They come soon.
 */
const FIND_OUT_RETRIES = 8;
const FIND_OUT_MS = 1_000;
/** How long it waits when we can't call for a reason of our own. */
const OURS_PAUSE_MS = 1_000;
/**
 * How long it waits for a Turn that may be down while it is the only one that fails. Then it is taken
 * to be to blame, as its user's next messages wait behind it.
 */
const MOST_DOUBT_MS = 10 * 60_000;

/** Why no call was made: a later message replaces this one, or its time in hand is over. */
type NotCalled = { readonly kind: "superseded" | "over" };

type Retry = Extract<CallResult, { kind: "retry" }>;
type AttemptsResult = Extract<CallResult, { kind: "delivered" }> | Failed | NotCalled;

/** Sends `payload` to Turn, again and again as long as quick attempts are worth it. */
export async function attempt<P>(
  options: FlowOptions<P>,
  of: Delivery<P>,
  payload: P,
): Promise<AttemptsResult> {
  const { gate, retry, now, random = Math.random } = options;
  for (;;) {
    const result = await callOnce(options, of, payload);
    if (result.kind === "limited") continue;
    if (result.kind === "retry" && !isCharged(options, of, result)) {
      if (result.fault === "ours") await pause(of, result.reason);
      continue;
    }
    if (result.kind !== "retry" && result.kind !== "refused") return result;
    of.fail();
    if (result.kind === "refused") return result;
    if (gate.status().breaker !== "closed") {
      const failedForMs = now() - (of.firstFailureAt ?? now());
      if (failedForMs > Math.min(of.job.retryForMs, MOST_DOUBT_MS)) return result;
      continue;
    }
    // What comes out of a delay queue has had its quick attempts.
    const isLater = of.past !== undefined && of.past.waits > 0;
    const quickRetries = isLater ? 0 : retry.maxRetries;
    const isToFindOut = result.fault === "unreachable" ||
      isLater && result.fault === "turn" && !gate.hasDeliveredSince(of.firstFailureAt);
    if (of.failures > Math.max(quickRetries, isToFindOut ? FIND_OUT_RETRIES : 0)) return result;
    // When Turn asks for more than can be waited here, a delay queue is the place.
    if (result.afterMs > MAX_QUICK_WAIT_MS) return result;
    const delayMs = retryDelayMs(of.failures - 1, retry, random());
    const waitMs = of.failures > quickRetries
      ? Math.min(delayMs, FIND_OUT_MS)
      : Math.max(delayMs, result.afterMs);
    report(options, of, result, waitMs);
    await of.held.wait(waitMs);
  }
}

/** Whether a failed call counts as one of the message's attempts. */
function isCharged<P>({ gate }: FlowOptions<P>, of: Delivery<P>, { fault }: Retry): boolean {
  if (fault === "ours" || fault === "unavailable") return false;
  if (gate.status().breaker === "closed") return true;
  // Turn is down, for which no message is to blame: it waits at the gate with all others. Unless there
  // are no others: then it may be to blame, and is tried as long as it is worth it.
  return fault === "turn" && gate.isInDoubt(of.job.id);
}

async function pause({ held, job: { names } }: Delivery<never>, reason: string): Promise<void> {
  log.error("Not called, trying again: {messageId}, {reason}", { ...names, reason });
  await held.wait(OURS_PAUSE_MS);
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
    await using _watch = await of.watch();
    // Now: it may have waited for others that are watched.
    if (of.held.isOver) return { kind: "over" };
    if (of.isSuperseded) return { kind: "superseded" };
    const trace = readTrace((name) => of.arrival.headers[name]);
    result = await call(payload, { timeoutMs: timeoutMs(), signal, trace });
    return result;
  } catch (error) {
    if (signal.aborted) return { kind: "over" };
    throw error;
  } finally {
    gate.leave(pass, result, of.firstFailureAt);
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
