/**
 * What the running bridge has counted since its start, from its `/metrics`.
 *
 * @module
 */

import type { Config } from "../config/mod.ts";
import { connectorLabel } from "../telemetry/mod.ts";

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

/** Asks the bridge that listens there, if one does; about the channel of `connector`, if it has several. */
export async function readSinceStart(
  bind: Config["http_bind"],
  connector: string | undefined,
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

function readCounts(text: string, connector: string | undefined): readonly RunningCount[] {
  // A connector's name may hold what ends labels.
  const samples = text.matchAll(/^turn_channels_messages_total\{(.*)\} (\d+)$/gm);
  return Array.from(samples, ([, labels = "", count]) => ({ labels, count: Number(count) }))
    .filter(({ labels }) => connector === undefined || labels.endsWith(connectorLabel(connector)))
    .map(({ labels, count }) => ({
      flow: label(labels, "flow"),
      result: label(labels, "result"),
      count,
    }))
    .filter(({ count }) => count > 0);
}

function label(labels: string, name: string): string {
  return new RegExp(`(?:^|,)${name}="([\\w-]*)"`).exec(labels)?.[1] ?? "";
}
