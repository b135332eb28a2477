/**
 * A scenario's short form as a test. `CHAOS_SEED` repeats what failed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { lineOf, type Report } from "./report.ts";
import type { Scenario } from "./scenarios.ts";
import { seedOr } from "./seed.ts";

/** Makes the test. */
export function testOf(
  { number, name }: Scenario,
  run: (seed: number) => Promise<readonly Report[]>,
): void {
  Deno.test(`chaos ${number}, in short: ${name}`, async () => {
    const reports = await run(seedOr(undefined));
    const failed = reports.filter(({ faults }) => faults.length > 0);
    assert.ok(reports.length > 0);
    assert.equal(failed.length, 0, `\n${failed.map(lineOf).join("\n")}`);
  });
}
