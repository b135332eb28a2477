// What the program is, and takes of the machine. prom-client's own process metrics read 0 or wrong
// under Deno, so these come from the runtime.

import process from "node:process";
import type { Registry } from "prom-client";
import manifest from "../../deno.json" with { type: "json" };
import { METRICS } from "./catalogue.ts";
import type { Instruments } from "./instruments.ts";

/** Sets metrics that do not change. */
export function showProgramStart(to: Instruments, registry: Registry): void {
  to.build.set({ version: manifest.version, deno: Deno.version.deno }, 1);
  to.start.set(performance.timeOrigin / 1000);
  if (countOpenFds() === undefined) registry.removeSingleMetric(METRICS.openFds.name);
}

/** Sets metrics of what the process takes now. */
export function showProcess(to: Instruments): void {
  const { user, system } = process.cpuUsage();
  to.cpu.series({}).total = (user + system) / 1e6;
  const { rss, heapUsed } = Deno.memoryUsage();
  to.memory.set(rss);
  to.heap.set(heapUsed);
  to.openFds.set(countOpenFds() ?? 0);
}

/** How many files are open; undefined where there is no such folder, or no permission to read it. */
function countOpenFds(): number | undefined {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return;
    throw error;
  }
}
