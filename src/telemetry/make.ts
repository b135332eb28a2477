/**
 * From the catalogue to prom-client's objects.
 *
 * @module
 */

import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Definition, MetricType } from "./catalogue.ts";

/** Makes a counter. */
export function makeCounter<L extends string>(
  registry: Registry,
  definition: Definition<"counter", L>,
): Counter<L> {
  return new Counter(options(registry, definition));
}

/** Makes a gauge. */
export function makeGauge<L extends string>(
  registry: Registry,
  definition: Definition<"gauge", L>,
): Gauge<L> {
  return new Gauge(options(registry, definition));
}

/** Makes a histogram. */
export function makeHistogram<L extends string>(
  registry: Registry,
  definition: Definition<"histogram", L>,
): Histogram<L> {
  return new Histogram({ ...options(registry, definition), buckets: [...definition.buckets] });
}

interface Options<L> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: L[];
  readonly registers: Registry[];
}

function options<T extends MetricType, L extends string>(
  registry: Registry,
  { name, help, labels }: Definition<T, L>,
): Options<L> {
  return { name, help, labelNames: [...labels], registers: [registry] };
}
