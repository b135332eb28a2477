// The bridge's health and Turn's rate limits, over HTTP as an operator gets them.

import { readSamples } from "../../telemetry/mod.ts";
import type { Health } from "./events.ts";

const TIMEOUT_MS = 5_000;

export async function askHealth(address: string): Promise<Health> {
  const ask = (path: string): Promise<Response> =>
    fetch(`${address}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const [report, metrics] = await Promise.all([
    // Without an answer the bridge counts as down.
    ask("/health").then((response) => response.json())
      .catch((error: Error) => ({ health: "down", reason: error.message })),
    ask("/metrics").then((response) => response.text()).catch(() => ""),
  ]);
  const samples = (name: string) => readSamples(metrics, `turn_channels_${name}`);
  const left = new Map(
    samples("rate_limit_remaining_calls").map(({ labels: { bucket }, value }) => [bucket, value]),
  );
  return {
    kind: "health",
    report,
    limits: samples("rate_limit_calls").map(({ labels: { bucket = "" }, value }) => {
      return [bucket, left.get(bucket) ?? 0, value];
    }),
  };
}
