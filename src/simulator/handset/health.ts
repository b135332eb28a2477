/**
 * The bridge's health and counters, over HTTP as an operator gets them.
 *
 * @module
 */

import { readSamples } from "../../telemetry/mod.ts";
import type { Health } from "./events.ts";

const TIMEOUT_MS = 5_000;
/** Asks the bridge at `address`. */
export async function askHealth(address: string): Promise<Health> {
  const [report, metrics] = await Promise.all([
    ask(`${address}/health`, (response) => response.json()),
    ask(`${address}/metrics`, (response) => response.text()),
  ]);
  const text = String(metrics);
  const counters = readSamples(text, "turn_channels_messages_total").map(
    ({ labels: { flow = "", result = "" }, value }) => [flow, result, value] as const,
  );
  const left = new Map(
    readSamples(text, "turn_channels_rate_limit_remaining_calls")
      .map(({ labels: { bucket }, value }) => [bucket, value]),
  );
  const limits = readSamples(text, "turn_channels_rate_limit_calls").map(
    ({ labels: { bucket = "" }, value }) => [bucket, left.get(bucket) ?? 0, value] as const,
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
