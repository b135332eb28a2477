/**
 * What the machine has left, for all that runs on it.
 *
 * @module
 */

/** The kernel's USER_HZ, the same on all of Linux that Deno runs on. */
export const TICKS_PER_SECOND = 100;

/** Does `work`, and tells how many cores had nothing to do meanwhile, on average. */
export async function withIdleCores<T>(work: () => Promise<T>): Promise<T & { idle: number }> {
  const before = await idleSeconds();
  const begin = performance.now();
  const result = await work();
  const seconds = (performance.now() - begin) / 1000;
  return { ...result, idle: (await idleSeconds() - before) / seconds };
}

/** Of all cores since the machine was started; proc_stat(5): user, nice, system, idle, iowait, … */
async function idleSeconds(): Promise<number> {
  const [line = ""] = (await Deno.readTextFile("/proc/stat")).split("\n");
  const [idle = 0, waitsForDisk = 0] = line.split(/\s+/).slice(4, 6).map(Number);
  return (idle + waitsForDisk) / TICKS_PER_SECOND;
}
