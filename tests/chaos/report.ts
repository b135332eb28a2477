/**
 * What a scenario came to: as a line, as a row of the table in docs/guarantees.md, and as a verdict.
 *
 * @module
 */

import { type Allowance, count, type Counts, faultsIn, type History } from "./history.ts";

/** What a scenario is run with. */
export interface Run {
  /** Where its chance comes from. */
  readonly seed: number;
  /** The broker. */
  readonly url: string;
}

/** What it came to. */
export interface Report {
  /** Its number and name. */
  readonly scenario: string;
  /** What it was run with. */
  readonly seed: number;
  /** How long it took. */
  readonly seconds: number;
  /** Counts of each flow that was looked at. */
  readonly flows: Readonly<Record<string, Counts>>;
  /** What else was measured. */
  readonly figures: Readonly<Record<string, string | number>>;
  /** What is wrong; nothing, if it passed. */
  readonly faults: readonly string[];
}

/** Collects a {@linkcode Report}. */
export class Reporter {
  readonly #scenario: string;
  readonly #seed: number;
  readonly #begin = performance.now();
  readonly #flows: Record<string, Counts> = {};
  readonly #figures: Record<string, string | number> = {};
  readonly #faults: string[] = [];

  /** Begins to measure the time. */
  constructor(scenario: string, { seed }: Run) {
    this.#scenario = scenario;
    this.#seed = seed;
  }

  /** Counts a flow, and takes down what is beyond its allowance. */
  flow(name: string, history: History, allowed: Allowance = {}): Counts {
    const counts = this.#flows[name] = count(history);
    this.#faults.push(...faultsIn(name, counts, allowed));
    return counts;
  }

  /** Takes down what was measured. */
  figure(name: string, value: string | number): void {
    this.#figures[name] = value;
  }

  /** Takes down what is wrong, unless it is not. */
  check(holds: boolean, fault: string): void {
    if (!holds) this.#faults.push(fault);
  }

  /** Takes down what is wrong. */
  add(faults: readonly string[]): void {
    this.#faults.push(...faults);
  }

  /** What it came to. */
  report(): Report {
    return {
      scenario: this.#scenario,
      seed: this.#seed,
      seconds: (performance.now() - this.#begin) / 1000,
      flows: this.#flows,
      figures: this.#figures,
      faults: this.#faults,
    };
  }
}

/** The report in one line, and one for each fault. */
export function lineOf({ scenario, seed, seconds, flows, figures, faults }: Report): string {
  const parts = Object.entries(flows).map(([flow, counts]) => `${flow} ${countsOf(counts)}`);
  const measured = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  const verdict = faults.length === 0 ? "ok" : "FAILED";
  const line = `${verdict}: ${scenario} (seed ${seed}, ${seconds.toFixed(1)} s): ${
    [...parts, ...measured].join("; ")
  }`;
  return [line, ...faults.map((fault) => `  - ${fault}`)].join("\n");
}

/** All reports as a Markdown table. */
export function tableOf(reports: readonly Report[]): string {
  const columns = [
    ...["scenario", "flow", "put in", "delivered", "parked", "lost", "duplicated", "recovered"],
    ...["unexpected", "out of order", "measured"],
  ];
  const rows = reports.flatMap(({ scenario, flows, figures }) => {
    const measured = Object.entries(figures).map((figure) => figure.join(" ")).join("; ");
    const counted = Object.entries(flows);
    if (counted.length === 0) return [[scenario, ...new Array(9).fill(""), measured]];
    return counted.map(([flow, counts], place) => [
      place === 0 ? scenario : "",
      flow,
      ...[counts.put, counts.delivered, counts.parked, counts.lost, counts.duplicated],
      ...[counts.recovered, counts.unexpected, orderOf(counts)],
      place === 0 ? measured : "",
    ]);
  });
  return [columns, columns.map(() => "---"), ...rows]
    .map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function countsOf(counts: Counts): string {
  const { put, delivered, parked, lost, duplicated, recovered, unexpected, superseded } = counts;
  const order = orderOf(counts);
  return `${put} put in, ${delivered} delivered, ${parked} parked, ${superseded} superseded, ` +
    `${lost} lost, ${duplicated} duplicated, ${recovered} recovered, ${unexpected} unexpected, ` +
    `${order} out of order`;
}

function orderOf({ outOfOrder, excused }: Counts): string {
  return excused === 0 ? `${outOfOrder}` : `${outOfOrder - excused} (+ ${excused} that may be)`;
}
