/**
 * The metrics for Prometheus: one channel's as they are, several channels' with their names.
 *
 * @module
 */

import { mergeTexts } from "../telemetry/mod.ts";
import type { Channel } from "./channel.ts";

/** The Prometheus text format, version 0.0.4. */
export async function metricsText(channels: readonly Channel[]): Promise<string> {
  const texts = await Promise.all(channels.map(async ({ name, metrics }) => ({
    connector: name,
    text: await metrics.text(),
  })));
  const [only] = texts;
  return only !== undefined && texts.length === 1 ? only.text : mergeTexts(texts);
}
