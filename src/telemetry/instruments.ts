/**
 * The catalogue's metrics as prom-client's objects, which no other file makes.
 *
 * @module
 */

import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { type Definition, METRICS } from "./catalogue.ts";

/** One series of a counter: a plain number until Prometheus asks. */
export class Series<L extends string = string> {
  /** What it has come to. */
  total = 0;
  /** By what it is told from the counter's other series. */
  readonly labels: Readonly<Record<L, string>>;

  /** Starts at 0: what first appears as 1 has never risen, as Prometheus sees it. */
  constructor(labels: Readonly<Record<L, string>>) {
    this.labels = labels;
  }

  /** Adds one, or `by`. */
  inc(by = 1): void {
    this.total += by;
  }
}

/** A counter. prom-client's own would hash all the labels each time that something is counted. */
export class SeriesCounter<L extends string> {
  readonly #labels: readonly L[];
  readonly #series = new Map<string, Series<L>>();

  /** Registers the counter, without any series yet. */
  constructor(registry: Registry, { name, help, labels }: Definition<"counter", L>) {
    this.#labels = labels;
    const series = this.#series;
    new Counter<L>({
      ...{ name, help, labelNames: [...labels], registers: [registry] },
      collect(): void {
        this.reset();
        for (const { labels, total } of series.values()) this.inc(labels, total);
      },
    });
  }

  /** The series with these labels; it exists from now on. */
  series(labels: Readonly<Record<L, string>>): Series<L> {
    let key = "";
    for (const label of this.#labels) key += `${labels[label]}\0`;
    let series = this.#series.get(key);
    if (series === undefined) this.#series.set(key, series = new Series(labels));
    return series;
  }
}

/** What measures a metric. */
type Instrument<D> = D extends Definition<"counter", infer L> ? SeriesCounter<L>
  : D extends Definition<"gauge", infer L> ? Gauge<L>
  : D extends Definition<"histogram", infer L> ? Histogram<L>
  : never;

/** What measures each metric of the catalogue. */
export type Instruments = {
  readonly [Key in keyof typeof METRICS]: Instrument<(typeof METRICS)[Key]>;
};

/** Registers all metrics of the catalogue. */
export function makeInstruments(registry: Registry): Instruments {
  const made = Object.entries(METRICS).map(([key, metric]) => [key, instrument(registry, metric)]);
  return Object.fromEntries(made); // Untyped, as what entries become is.
}

function instrument(
  registry: Registry,
  definition: Definition,
): SeriesCounter<string> | Gauge | Histogram {
  const { name, help, labels, buckets } = definition;
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  switch (definition.type) {
    case "counter":
      return new SeriesCounter(registry, { ...definition, type: "counter" });
    case "gauge":
      return new Gauge(options);
    case "histogram":
      return new Histogram({ ...options, buckets: [...buckets] });
  }
}
