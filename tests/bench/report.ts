/**
 * What the benchmark tells: medians of the rounds, and ratios to what each subject is compared with.
 *
 * @module
 */

import type { Measured } from "./cases.ts";
import { median } from "./numbers.ts";
import type { Subject } from "./subject.ts";

/** What one case came to in one round. */
export interface Sample {
  /** The subject's name. */
  readonly subject: string;
  /** The case's name. */
  readonly case: string;
  /** What was measured, by column. */
  readonly measured: Measured;
}

/** The median of all rounds. */
export type Result = Sample;

/** Only of several processes: what they have to share says how much more they can do. */
const IDLE = "idle";

/** How each column is written, and what its ratio says. */
const COLUMNS: Readonly<Record<string, { readonly head: string; readonly digits: number }>> = {
  rate: { head: "messages/s", digits: 0 },
  p50: { head: "p50 ms", digits: 2 },
  p99: { head: "p99 ms", digits: 2 },
  cpu: { head: "CPU µs", digits: 1 },
  [IDLE]: { head: "cores idle", digits: 2 },
  startMs: { head: "start ms", digits: 0 },
  beyondMs: { head: "beyond the handshake", digits: 0 },
  rest: { head: "RSS at rest MiB", digits: 0 },
  peak: { head: "RSS peak MiB", digits: 0 },
};

/** The medians of samples of the same subject and case, in the order in which they came first. */
export function summarize(samples: readonly Sample[]): Result[] {
  const groups = Map.groupBy(samples, (sample) => `${sample.case} of ${sample.subject}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const columns = Object.keys(first.measured);
    const entries = columns.map((key) => [
      key,
      median(group.map(({ measured }) => measured[key] ?? NaN)),
    ]);
    return [{ ...first, measured: Object.fromEntries(entries) }];
  });
}

/** One table in Markdown for the results of each set of columns. */
export function formatResults(results: readonly Result[], subjects: readonly Subject[]): string {
  const tables = Map.groupBy(results, ({ measured }) => isOfProcess(measured));
  return [...tables.values()].map((rows) => table(rows, results, subjects)).join("\n");
}

/** Starting and memory are of the process, the rest is of a flow. */
function isOfProcess(measured: Sample["measured"]): boolean {
  return "startMs" in measured;
}

function table(
  rows: readonly Result[],
  results: readonly Result[],
  subjects: readonly Subject[],
): string {
  const hasSeveral = subjects.some(({ processes }) => processes > 1);
  const keys = Object.keys(COLUMNS).filter((key) =>
    (hasSeveral || key !== IDLE) && rows.some(({ measured }) => key in measured)
  );
  const heads = keys.map((key) => COLUMNS[key]?.head ?? key);
  const cells = Map.groupBy(rows, (row) => row.case).values().flatMap((group) =>
    group.map((
      row,
    ) => [row.case, row.subject, ...keys.map((key) => cell(row, key, results, subjects))])
  );
  return formatTable([["case", "subject", ...heads], ...cells]);
}

/** A value, and its ratio to that of what the subject is compared with. */
function cell(
  { subject, case: name, measured }: Result,
  key: string,
  results: readonly Result[],
  subjects: readonly Subject[],
): string {
  const value = measured[key];
  if (value === undefined) return "";
  const base = subjects.find((other) => other.name === subject)?.base;
  const compared = results.find((other) => other.subject === base && other.case === name);
  const text = value.toFixed(COLUMNS[key]?.digits);
  const ratio = key === IDLE ? NaN : value / (compared?.measured[key] ?? NaN);
  return subject === base || Number.isNaN(ratio) ? text : `${text} (${ratio.toFixed(2)})`;
}

function formatTable(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |\n`
  );
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |\n`;
  return [...lines.slice(0, 1), rule, ...lines.slice(1)].join("");
}
