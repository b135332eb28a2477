/**
 * The bridge's health and counters, over HTTP as an operator gets them.
 *
 * @module
 */

import type { Health } from "./events.ts";

const TIMEOUT_MS = 5_000;
const COUNTER = /^turn_channels_messages_total\{flow="([^"]*)",result="([^"]*)"\} (\d+)/gm;
const LIMIT = /^turn_channels_rate_limit_calls\{[^}]*bucket="([^"]*)"[^}]*\} (\d+)/gm;
const LEFT = /^turn_channels_rate_limit_remaining_calls\{[^}]*bucket="([^"]*)"[^}]*\} (\d+)/gm;

/** Asks the bridge at `address`. */
export async function askHealth(address: string): Promise<Health> {
  const [report, metrics] = await Promise.all([
    ask(`${address}/health`, (response) => response.json()),
    ask(`${address}/metrics`, (response) => response.text()),
  ]);
  const counters = [...String(metrics).matchAll(COUNTER)].map(
    ([, flow = "", result = "", count]) => [flow, result, Number(count)] as const,
  );
  const text = String(metrics);
  const left = new Map(
    [...text.matchAll(LEFT)].map(([, bucket, calls]) => [bucket, Number(calls)]),
  );
  const limits = [...text.matchAll(LIMIT)].map(
    ([, bucket = "", calls]) => [bucket, left.get(bucket) ?? 0, Number(calls)] as const,
  );
  return { kind: "health", report, counters, limits };
}

/** Without an answer the bridge counts as down. */
async function ask(url: string, read: (response: Response) => Promise<unknown>): Promise<unknown> {
  try {
    return await read(await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }));
  } catch (error) {
    return { health: "down", reason: error instanceof Error ? error.message : String(error) };
  }
}
