// Whether what came and what became of it add up, for the audit: what has not ended must wait somewhere.

import { setTimeout as delay } from "node:timers/promises";
import { type Browser, delayQueue } from "../broker/mod.ts";
import type { DayCount, MessageCache } from "../cache/mod.ts";
import { queuesOf } from "../vumi/mod.ts";

/** Each flow, and the queue that it takes messages from. */
export const FLOWS = { inbound: "inbound", status: "event", outbound: undefined } as const;

/** A channel. */
interface Audited {
  readonly connector_name: string;
  readonly worker_concurrency: number;
  readonly delaysMs: readonly number[];
}

/** Counts are not taken at one instant, so what does not add up is counted again after a while. */
const MOST_LOOKS = 3;
const LOOK_AGAIN_MS = 1_000;

export async function lookUntilItAddsUp(of: Audited, cache: MessageCache, broker: Browser) {
  for (let look = 1;; look++) {
    const counts = await cache.tallied();
    const verdicts = [];
    for (const [flow, queue] of Object.entries(FLOWS)) {
      const waiting = queue === undefined ? undefined : await waitingFor(of, broker, queue);
      verdicts.push(sumUp(flow, counts, of.worker_concurrency, waiting));
    }
    if (verdicts.every(({ addsUp }) => addsUp) || look === MOST_LOOKS) return { counts, verdicts };
    await delay(LOOK_AGAIN_MS);
  }
}

/** What waits in a queue, some of it perhaps in work before, and in delay queues, which all share. */
async function waitingFor(of: Audited, broker: Browser, queue: "inbound" | "event") {
  const queued = await broker.depth(queuesOf(of.connector_name)[queue]) ?? 0;
  const depths = await Array.fromAsync(new Set(of.delaysMs), (ms) => broker.depth(delayQueue(ms)));
  const delayed = depths.reduce<number>((sum, depth) => sum + (depth ?? 0), 0);
  return { delayed, queued };
}

type InQueues = Awaited<ReturnType<typeof waitingFor>>;

const NO_ENDS: ReadonlySet<string> = new Set([
  "in",
  "redelivered",
  "duplicate",
  "delayed",
  "undelayed",
]);

/**
 * Not every number is exact: what was in work when the bridge was killed may be counted as come or as
 * ended, but not both, and comes again as `redelivered`; what is in work now has come and not ended.
 */
function sumUp(flow: string, counts: readonly DayCount[], concurrency: number, waiting?: InQueues) {
  const own = counts.filter((count) => count.flow === flow);
  const came = total(own, "in");
  const ended = sum(own.filter(({ result }) => !NO_ENDS.has(result)));
  const open = came - ended;
  const unsure = total(own, "redelivered");
  const inWork = concurrency * (flow === "status" ? 10 : 1);
  const { queued = 0 } = waiting ?? {};
  // One whose delay is over is in its queue again, and counts as delayed until it is consumed.
  const noted = Math.max(0, total(own, "delayed") - total(own, "undelayed"));
  const delayed = Math.min(noted, waiting?.delayed ?? 0);
  const most = delayed + queued + inWork + unsure;
  // An outbound request without an answer is repeated by Turn.
  const addsUp = open >= -unsure && (flow === "outbound" || open <= most);
  const uncertain = unsure > 0 ? `; ${unsure} uncertain, in work when the bridge ended` : "";
  const where = waiting === undefined
    ? "in work, or unanswered when the bridge ended"
    : `${delayed} delayed; ${queued} in the queue, with those returned to it; ` +
      `up to ${inWork} in work${uncertain}`;
  const verdict = addsUp ? "" : open > 0 ? "; NOT ACCOUNTED FOR" : "; MORE ENDED THAN CAME";
  const mark = addsUp ? "✓" : "✗";
  const text = `${mark} ${flow}: ${came} came, ${ended} ended, ${open} open (${where})${verdict}`;
  return { text, addsUp };
}

export function total(counts: readonly DayCount[], result: string): number {
  return sum(counts.filter((count) => count.result === result));
}

function sum(counts: readonly DayCount[]): number {
  return counts.reduce((sum, { count }) => sum + count, 0);
}
