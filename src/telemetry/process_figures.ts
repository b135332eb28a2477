/**
 * What the program is, and takes of the machine. prom-client's own process metrics read 0 or wrong
 * under Deno, so these come from the runtime.
 *
 * @module
 */

import process from "node:process";
import type { Registry } from "prom-client";
import manifest from "../../deno.json" with { type: "json" };
import { METRICS } from "./catalogue.ts";
import { makeCounter, makeGauge } from "./make.ts";

/** The figures. */
export class ProcessFigures {
  readonly #cpu;
  readonly #memory;
  readonly #heap;
  /** Where they may be counted. */
  readonly #openFds;

  /** Makes the gauges; what does not change is set. */
  constructor(registry: Registry) {
    makeGauge(registry, METRICS.build)
      .set({ version: manifest.version, deno: Deno.version.deno }, 1);
    makeGauge(registry, METRICS.start).set(performance.timeOrigin / 1000);
    this.#cpu = makeCounter(registry, METRICS.cpu);
    this.#memory = makeGauge(registry, METRICS.memory);
    this.#heap = makeGauge(registry, METRICS.heap);
    this.#openFds = countOpenFds() === undefined ? undefined : makeGauge(registry, METRICS.openFds);
  }

  /** Sets them to what is so now. */
  look(): void {
    const { user, system } = process.cpuUsage();
    this.#cpu.reset();
    this.#cpu.inc((user + system) / 1e6);
    const { rss, heapUsed } = Deno.memoryUsage();
    this.#memory.set(rss);
    this.#heap.set(heapUsed);
    this.#openFds?.set(countOpenFds() ?? 0);
  }
}

/** Undefined where there is no such folder, or it takes more permissions than we have. */
function countOpenFds(): number | undefined {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return;
    throw error;
  }
}
