/**
 * What the running bridge has counted since its start, from its `/metrics`.
 *
 * @module
 */

import type { Config } from "../config/mod.ts";
import { readSamples } from "../telemetry/mod.ts";

const TIMEOUT_MS = 3_000;

interface RunningCount {
  readonly flow: string;
  readonly result: string;
  readonly count: number;
}

/** The answer of the bridge at `url`. */
export interface SinceStart {
  readonly url: string;
  /** Undefined if no bridge answers there. */
  readonly counts: readonly RunningCount[] | undefined;
}

/** Asks the bridge that listens there, if one does, about one of its channels. */
export async function readSinceStart(
  bind: Config["http_bind"],
  connector: string,
): Promise<SinceStart> {
  if (bind.kind === "unix") return { url: `unix:${bind.path}`, counts: undefined };
  const url = `http://${hostOf(bind.hostname)}:${bind.port}/metrics`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    return { url, counts: response.ok ? readCounts(text, connector) : undefined };
  } catch {
    return { url, counts: undefined };
  }
}

/** A host to connect to, for one that is listened on. */
function hostOf(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  if (hostname === "::") return "[::1]";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

function readCounts(text: string, connector: string): readonly RunningCount[] {
  return readSamples(text, "turn_channels_messages_total")
    .filter(({ labels, value }) => labels.connector === connector && value > 0)
    .map(({ labels: { flow = "", result = "" }, value }) => ({ flow, result, count: value }));
}
