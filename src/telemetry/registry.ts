// All metrics of the program: what its channels count, and what is looked up when Prometheus asks.

import process from "node:process";
import { Registry } from "prom-client";
import manifest from "../../deno.json" with { type: "json" };
import { METRICS } from "./catalogue.ts";
import { countLeftFds, countOpenFds } from "./descriptors.ts";
import { type Instruments, makeInstruments } from "./instruments.ts";
import { type ProgramSources, showChannel, showProgram } from "./live_figures.ts";
import { Metrics } from "./metrics.ts";

/** The one registry of a program. */
export class MetricsRegistry {
  readonly #registry = new Registry();
  readonly #instruments = makeInstruments(this.#registry);
  readonly #channels = new Map<string, Metrics>();
  /** Where the program's own figures come from. */
  sources: ProgramSources | undefined;

  /** Registers all metrics, and sets those that do not change. `commit` is what was compiled. */
  constructor(commit = "unknown") {
    const { version } = manifest;
    this.#instruments.build.set({ version, commit, deno: Deno.version.deno }, 1);
    this.#instruments.start.set(performance.timeOrigin / 1000);
    if (countOpenFds() === undefined) this.#registry.removeSingleMetric(METRICS.openFds.name);
    if (countLeftFds() === undefined) this.#registry.removeSingleMetric(METRICS.leftFds.name);
  }

  /** The metrics of a channel, whose series have its connector's name as the label `connector`. */
  channel(connector: string): Metrics {
    let metrics = this.#channels.get(connector);
    if (metrics === undefined) {
      this.#channels.set(connector, metrics = new Metrics(this.#instruments, connector));
    }
    return metrics;
  }

  /** The Prometheus text format, version 0.0.4. */
  async text(): Promise<string> {
    showProcess(this.#instruments);
    // What is not known any more is not told: an old number would be a wrong one.
    for (const name of ["queueMessages", "queueStalled", "delayed"] as const) {
      this.#instruments[name].reset();
    }
    if (this.sources !== undefined) showProgram(this.#instruments, this.sources);
    for (const [connector, { transports, sources }] of this.#channels) {
      transports.sweep(Date.now());
      if (sources !== undefined) showChannel(this.#instruments, connector, sources);
    }
    return await this.#registry.metrics();
  }
}

// prom-client's own process metrics read 0 or wrong under Deno, so these come from the runtime.

/** Sets metrics of what the process takes now. */
function showProcess(to: Instruments): void {
  const { user, system } = process.cpuUsage();
  to.cpu.series({}).total = (user + system) / 1e6;
  const { rss, heapUsed } = Deno.memoryUsage();
  to.memory.set(rss);
  to.heap.set(heapUsed);
  // Without any left the folder can't be read either: what was told before is the better number.
  const openFds = countOpenFds();
  if (openFds !== undefined) to.openFds.set(openFds);
  to.leftFds.set(countLeftFds() ?? 0);
}
