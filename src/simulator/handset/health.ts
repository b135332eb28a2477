// The bridge's health and Turn's rate limits, over HTTP as an operator gets them.

import { readSamples } from "../../telemetry/mod.ts";
import type { Health } from "./events.ts";

const TIMEOUT_MS = 5_000;

export async function askHealth(address: string): Promise<Health> {
  const [report, metrics] = await Promise.all([
    ask(`${address}/health`, (response) => response.json()),
    ask(`${address}/metrics`, (response) => response.text()),
  ]);
  const samples = (name: string) => readSamples(String(metrics), `turn_channels_${name}`);
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

/** Without an answer the bridge counts as down. */
async function ask(url: string, read: (response: Response) => Promise<unknown>): Promise<unknown> {
  try {
    return await read(await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }));
  } catch (error) {
    return { health: "down", reason: error instanceof Error ? error.message : String(error) };
  }
}
