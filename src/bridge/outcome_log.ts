/**
 * The end of a message's matter: counted once, and told in one line of the same form whichever way it
 * went, so that it can be found by any of its ids.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Flow, Metrics, Result } from "../telemetry/mod.ts";

const log = getLogger(["turn-channels", "bridge"]);

/**
 * What is told of it: ids on both sides, `user`, `transport`, `attempts`, `durationMs`, …, and `content`,
 * which is left out again unless `log_content` is on.
 */
export type OutcomeValues = Readonly<Record<string, unknown>> & {
  /** vumi's id of it; null if it did not become a message. */
  readonly messageId: string | null;
};

/** Counts it and tells of it. */
export function logOutcome(
  metrics: Metrics,
  flow: Flow,
  result: Result,
  values: OutcomeValues,
): void {
  metrics.count(flow, result);
  log.info("Done: {flow} {messageId} {result}", { flow, result, ...values });
}
