/**
 * What is looked at while faults come and go: when the last message came through, what memory
 * the process holds, and who may be late.
 *
 * @module
 */

import type { BridgeProcess } from "../chaos/bridge_process.ts";
import { pause } from "../chaos/people.ts";
import type { TurnCall } from "../chaos/turn.ts";
import type { World } from "../chaos/world.ts";

/** What has to come through. */
export const FLOWS = ["inbound", "outbound", "statuses"] as const;
/** Something for each. */
export type PerFlow = Record<typeof FLOWS[number], number>;

/** When the last one came through, each way; 0 if none did. */
export function lastThrough({ turn, outcomes }: World): PerFlow {
  const last = (flow: TurnCall["flow"]): number =>
    turn.calls.findLast((call) => call.flow === flow && isTaken(call))?.endedAt ?? 0;
  const sent = outcomes.findLast(({ id }) => id !== undefined)?.tries.at(-1);
  return {
    inbound: last("inbound"),
    outbound: sent === undefined ? 0 : sent.at + sent.ms,
    statuses: last("status"),
  };
}

/** Seconds from `since` until the next one came through, each way; Infinity if none did in time. */
export async function backAfter(world: World, since: number, mostMs: number): Promise<PerFlow> {
  const back: PerFlow = { inbound: Infinity, outbound: Infinity, statuses: Infinity };
  while (Object.values(back).includes(Infinity) && Date.now() - since < mostMs) {
    const last = lastThrough(world);
    for (const flow of FLOWS) {
      if (last[flow] >= since) back[flow] = Math.min(back[flow], (Date.now() - since) / 1000);
    }
    await pause(50);
  }
  return back;
}

/** The least memory that a process holds in ten seconds, as it goes up and down with the work. */
export async function leastMiB(bridge: BridgeProcess): Promise<number> {
  let least = Infinity;
  for (let n = 0; n < 20; n++) {
    least = Math.min(least, Math.round(await bridge.residentMiB()));
    await pause(500);
  }
  return least;
}

/** A time in which something failed. */
export type Outage = Readonly<Record<"from" | "to", number>>;

/** What was on its way while Turn failed may have waited in a delay queue, and be late. */
export function mayBeLate(
  put: readonly { readonly id: string; readonly at: number }[],
  calls: readonly Pick<TurnCall, "id" | "status" | "endedAt">[],
  outages: readonly Outage[],
): (id: string) => boolean {
  const begun = new Map(put.map(({ id, at }) => [id, at]));
  const done = new Map<string, number>();
  for (const call of calls) {
    if (isTaken(call) && !done.has(call.id)) done.set(call.id, call.endedAt);
  }
  return (id) => {
    const at = begun.get(id);
    if (at === undefined) return false;
    return outages.some(({ from, to }) => at <= to && (done.get(id) ?? Infinity) >= from);
  };
}

function isTaken({ status, endedAt }: Pick<TurnCall, "status" | "endedAt">): boolean {
  return status >= 200 && status < 300 && endedAt < Infinity;
}
