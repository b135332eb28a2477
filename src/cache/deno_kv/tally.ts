/**
 * The counts in Deno KV: a number under each `[namespace, "v2 tally", day, flow, result]`, to
 * which a commit adds. Such a number can't be given a time to live, because adding to it takes that
 * away, so days that are over are removed by {@linkcode oldTallyWrites}.
 *
 * @module
 */

import { keyPrefix, type KvWrite } from "./write.ts";
import type { DayCount, Tally } from "../mod.ts";
import { dayAt, firstDayKept, inOrder } from "../tally.ts";

/** The writes that count, on the day at `now`. */
export function tallyWrites(namespace: string, tallies: readonly Tally[], now: number): KvWrite[] {
  if (tallies.length === 0) return [];
  const prefix = [...keyPrefix(namespace, "tally"), dayAt(now)];
  return tallies.map(({ flow, result }) => ({ type: "increment", key: [...prefix, flow, result] }));
}

/** The writes that remove the days that need not be kept any more at `now`. */
export async function oldTallyWrites(
  kv: Deno.Kv,
  namespace: string,
  now: number,
): Promise<KvWrite[]> {
  const prefix = keyPrefix(namespace, "tally");
  const old = kv.list({ prefix, end: [...prefix, firstDayKept(now)] });
  return await Array.fromAsync(old, ({ key }): KvWrite => ({ type: "delete", key }));
}

/** All counts that are kept at `now`. */
export async function readTallies(
  kv: Deno.Kv,
  namespace: string,
  now: number,
): Promise<readonly DayCount[]> {
  const prefix = keyPrefix(namespace, "tally");
  const kept = kv.list({ prefix, start: [...prefix, firstDayKept(now)] });
  return inOrder(
    await Array.fromAsync(kept, ({ key, value }): DayCount => {
      const [, , day, flow, result] = key.map(String);
      const count = value instanceof Deno.KvU64 ? Number(value.value) : 0;
      return { day: day ?? "", flow: flow ?? "", result: result ?? "", count };
    }),
  );
}
