/**
 * Parts of PromQL, made from the catalogue, so that the compiler knows each metric and label.
 *
 * @module
 */

import type { Definition, MetricType } from "./catalogue.ts";

/** What labels must be: equal to a text, or all of an expression. */
export type Matchers<L extends string> = { readonly [label in L]?: string | RegExp };

/** Selects series. */
export interface Selectors {
  /** A metric's series, those with these labels. */
  series<T extends MetricType, L extends string>(
    metric: Definition<T, L>,
    matchers?: Matchers<L>,
  ): string;
  /** A histogram's buckets, for `histogram_quantile`. */
  buckets<L extends string>(metric: Definition<"histogram", L>, matchers?: Matchers<L>): string;
}

/** Where a series comes from: Prometheus's own labels, and the channel's. */
export type Origin = Matchers<"job" | "instance" | "connector">;

/** Selects series, all with these labels; what is no channel's has no `connector`. */
export function selectors({ connector, ...own }: Origin = {}): Selectors {
  const all = connector === undefined ? own : { ...own, connector };
  const originOf = (labels: readonly string[]): Origin => labels.includes("connector") ? all : own;
  return {
    series: ({ name, labels }, matchers = {}) => select(name, { ...matchers, ...originOf(labels) }),
    buckets: ({ name, labels }, matchers = {}) =>
      select(`${name}_bucket`, { ...matchers, ...originOf(labels) }),
  };
}

/** How it writes a time: in the largest unit that makes it a whole number. */
export function duration(seconds: number): string {
  if (seconds === 0) return "0s";
  const ms = Math.round(seconds * 1000);
  const [unit, size] = UNITS.find(([, size]) => ms % size === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}

const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1000]] as const;

function select(
  name: string,
  matchers: Readonly<Record<string, string | RegExp | undefined>>,
): string {
  const parts = Object.entries(matchers).map(([label, value]) =>
    value instanceof RegExp ? `${label}=~"${value.source}"` : `${label}="${value}"`
  );
  return parts.length === 0 ? name : `${name}{${parts.join(",")}}`;
}
