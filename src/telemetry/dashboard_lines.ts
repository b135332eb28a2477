/**
 * The lines of the dashboard's panels: of the instances and channels that are chosen in Grafana. What
 * is summed is so over instances, but each channel stands for itself.
 *
 * @module
 */

import { selectors } from "./promql.ts";

/** A line of a panel: its PromQL, and its legend, in which `{{label}}` stands for the label's value. */
export type Line = readonly [expression: string, legend: string];

/** Of the instances and channels that are chosen in Grafana. */
export const { series, buckets } = selectors({ instance: /$instance/, connector: /$connector/ });
/** Grafana's range for a rate. */
export const RATE = "[$__rate_interval]";

/** Of all instances together, by labels. */
function sum(counted: string, ...by: readonly string[]): string {
  return `sum by (${["connector", ...by].join(", ")}) (${counted})`;
}

/** Events a second. */
export function perSecond(selected: string, ...by: readonly string[]): string {
  return sum(`rate(${selected}${RATE})`, ...by);
}

/** Events an hour. */
export function perHour(selected: string, ...by: readonly string[]): string {
  return sum(`increase(${selected}[1h])`, ...by);
}

/** How long it takes half, nearly all and all but one in a hundred. */
export function quantiles(selected: string, ...by: readonly string[]): Line[] {
  const labels = by.map((label) => `{{${label}}} `).join("");
  return [0.5, 0.95, 0.99].map((quantile): Line => [
    `histogram_quantile(${quantile}, ${perSecond(selected, "le", ...by)})`,
    `${labels}p${quantile * 100} {{connector}}`,
  ]);
}
