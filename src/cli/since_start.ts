/**
 * What the running bridge has counted since it was started, from its own `/metrics`.
 *
 * @module
 */

import type { Config } from "../config/mod.ts";
import { readSamples } from "../telemetry/mod.ts";

/** How long it may take to answer, in milliseconds. */
const TIMEOUT_MS = 3_000;

/** One of its counts. */
export interface RunningCount {
  /** Which way. */
  readonly flow: string;
  /** What it came to. */
  readonly result: string;
  /** How often. */
  readonly count: number;
}

/** What was found at the address. */
export interface SinceStart {
  /** Where it was asked. */
  readonly url: string;
  /** Undefined if nobody answers there: it does not run, or listens on another machine. */
  readonly counts: readonly RunningCount[] | undefined;
}

/** Asks the bridge that listens there for operators, if one does, about one of its channels. */
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

/** Where to reach what listens on all addresses. */
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
