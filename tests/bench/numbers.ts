/**
 * What the benchmark does with numbers.
 *
 * @module
 */

/** Of times, in milliseconds. */
export interface Percentiles {
  /** Half are not longer. */
  readonly p50: number;
  /** All but one in a hundred are not longer. */
  readonly p99: number;
}

/** Of at least one time. */
export function percentiles(times: readonly number[]): Percentiles {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, sorted.length * share | 0)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

/** The one in the middle, of at least one; of an even number the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const half = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(half)] ?? NaN) + (sorted[Math.ceil(half)] ?? NaN)) / 2;
}
