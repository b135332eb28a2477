// What the running bridge has counted since its start, from its `/metrics`.

import type { DayCount } from "../cache/mod.ts";
import { type Config, formatBind } from "../config/mod.ts";
import { readSamples } from "../telemetry/mod.ts";

const TIMEOUT_MS = 3_000;

type RunningCount = Omit<DayCount, "day">;

/**
 * Asks the bridge that listens there about one of its channels; `counts` are undefined if none answers.
 */
export async function readSinceStart(
  bind: Config["http_bind"],
  connector: string,
): Promise<{ readonly url: string; readonly counts: readonly RunningCount[] | undefined }> {
  if (bind.kind === "unix") return { url: formatBind(bind), counts: undefined };
  // What listens on all addresses can be reached on this machine's own.
  const own = { "0.0.0.0": "127.0.0.1", "::": "::1" }[bind.hostname];
  const url = `http://${formatBind({ ...bind, hostname: own ?? bind.hostname })}/metrics`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    return { url, counts: response.ok ? readCounts(text, connector) : undefined };
  } catch {
    return { url, counts: undefined };
  }
}

function readCounts(text: string, connector: string): readonly RunningCount[] {
  return readSamples(text, "turn_channels_messages_total")
    .filter(({ labels, value }) => labels.connector === connector && value > 0)
    .map(({ labels: { flow = "", result = "" }, value }) => ({ flow, result, count: value }));
}
