/**
 * A scenario's short form as a test: its name, and that it passed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { lineOf, type Report } from "./report.ts";
import type { Scenario } from "./scenarios.ts";

/** The test's name, with the reason if it is to be ignored. */
export function titleOf({ number, name, whyNot }: Scenario): string {
  const why = whyNot?.();
  return `chaos ${number}, in short: ${name}${why === undefined ? "" : ` (${why})`}`;
}

/**
 * Holds if nothing is wrong; the message has all that was counted, and the seed.
 *
 * @throws {AssertionError} If something is.
 */
export function assertPassed(reports: readonly Report[]): void {
  assert.ok(reports.length > 0, "nothing was run");
  const failed = reports.filter(({ faults }) => faults.length > 0);
  assert.equal(failed.length, 0, `\n${failed.map(lineOf).join("\n")}`);
}
