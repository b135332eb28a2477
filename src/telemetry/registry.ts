// All metrics of the program: what its channels count, and what is looked up when Prometheus asks.

import { Registry } from "prom-client";
import { makeInstruments } from "./instruments.ts";
import { type ProgramSources, showChannel, showProgram } from "./live_figures.ts";
import { Metrics } from "./metrics.ts";
import { showProcess, showProgramStart } from "./process_figures.ts";

/** The one registry of a program. */
export class MetricsRegistry {
  readonly #registry = new Registry();
  readonly #instruments = makeInstruments(this.#registry);
  readonly #channels = new Map<string, Metrics>();
  #sources: ProgramSources | undefined;

  /** Registers all metrics. */
  constructor() {
    showProgramStart(this.#instruments, this.#registry);
  }

  /** The metrics of a channel, whose series have its connector's name as the label `connector`. */
  channel(connector: string): Metrics {
    let metrics = this.#channels.get(connector);
    if (metrics === undefined) {
      this.#channels.set(connector, metrics = new Metrics(this.#instruments, connector));
    }
    return metrics;
  }

  /** Says where the program's own figures come from. */
  watch(sources: ProgramSources): void {
    this.#sources = sources;
  }

  /** The Prometheus text format, version 0.0.4. */
  async text(): Promise<string> {
    showProcess(this.#instruments);
    // What is not known any more is not told: an old number would be a wrong one.
    for (const name of ["queueMessages", "queueStalled", "delayed"] as const) {
      this.#instruments[name].reset();
    }
    if (this.#sources !== undefined) showProgram(this.#instruments, this.#sources);
    for (const [connector, { transports, sources }] of this.#channels) {
      transports.sweep(Date.now());
      if (sources !== undefined) showChannel(this.#instruments, connector, sources);
    }
    return await this.#registry.metrics();
  }
}
