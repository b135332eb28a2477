// The catalogue's metrics as prom-client's objects, which no other file makes.

import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { type Definition, METRICS } from "./catalogue.ts";

/** One series of a counter: a plain number until Prometheus asks. */
export interface Series<L extends string = string> {
  total: number;
  readonly labels: Readonly<Record<L, string>>;
}

/** A counter. prom-client's own would hash all the labels each time that something is counted. */
class SeriesCounter<L extends string> {
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

  /** The series with these labels, from 0 on: of what first appears as 1 Prometheus sees no rise. */
  series(labels: Readonly<Record<L, string>>): Series<L> {
    let key = "";
    for (const label of this.#labels) key += `${labels[label]}\0`;
    let series = this.#series.get(key);
    if (series === undefined) this.#series.set(key, series = { total: 0, labels });
    return series;
  }
}

type Instrument<D> = D extends Definition<"counter", infer L> ? SeriesCounter<L>
  : D extends Definition<"gauge", infer L> ? Gauge<L>
  : D extends Definition<"histogram", infer L> ? Histogram<L>
  : never;

/** What measures each metric of the catalogue. */
export type Instruments = {
  readonly [Key in keyof typeof METRICS]: Instrument<(typeof METRICS)[Key]>;
};

export function makeInstruments(registry: Registry): Instruments {
  const made = Object.entries(METRICS).map(([key, metric]) => [key, instrument(registry, metric)]);
  return Object.fromEntries(made); // Untyped, as what entries become is.
}

function instrument(registry: Registry, { type, ...definition }: Definition) {
  if (type === "counter") return new SeriesCounter(registry, { type, ...definition });
  const { name, help, labels, buckets } = definition;
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  return type === "gauge"
    ? new Gauge(options)
    : new Histogram({ ...options, buckets: [...buckets] });
}
