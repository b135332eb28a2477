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
import type { Instruments } from "./instruments.ts";

/** Sets the metrics of the process. */
export class ProcessFigures {
  readonly #instruments: Instruments;

  /** Sets what does not change. */
  constructor(registry: Registry, instruments: Instruments) {
    this.#instruments = instruments;
    instruments.build.set({ version: manifest.version, deno: Deno.version.deno }, 1);
    instruments.start.set(performance.timeOrigin / 1000);
    if (countOpenFds() === undefined) registry.removeSingleMetric(METRICS.openFds.name);
  }

  /** Sets the others to what they are now. */
  look(): void {
    const { cpu, memory, heap, openFds } = this.#instruments;
    const { user, system } = process.cpuUsage();
    cpu.series({}).total = (user + system) / 1e6;
    const { rss, heapUsed } = Deno.memoryUsage();
    memory.set(rss);
    heap.set(heapUsed);
    openFds.set(countOpenFds() ?? 0);
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
