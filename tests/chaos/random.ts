/**
 * Chance that can be had again: everything that a scenario leaves to it comes from one seed. What is
 * decided about a message depends on the seed, the message and how often it was decided before, but
 * on no clock and on nobody's turn, so that a run with the same seed meets the same faults.
 *
 * @module
 */

/** Numbers from 0 up to, not including, 1. */
export type Random = () => number;

/** A stream of its own for each `label`, the same for the same seed. */
export function randomOf(seed: number, label: string): Random {
  let state = hash(`${seed}/${label}`);
  return () => {
    // mulberry32: 32 bits of state, good enough to choose faults with.
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 up to, not including, `bound`. */
export function below(random: Random, bound: number): number {
  return Math.floor(random() * bound);
}

/** One of `items`, which must not be empty. */
export function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[below(random, items.length)] ?? items[0];
}

/** One of the keys of `weights`, each as often as its share of their sum. */
export function weighted<K extends string>(
  random: Random,
  weights: Readonly<Record<K, number>>,
): K | undefined {
  const entries = Object.entries<number>(weights);
  let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [key, weight] of entries) {
    left -= weight;
    // Object.entries has lost the type of the keys.
    if (left < 0) return key as K;
  }
  return undefined;
}

/** An id as vumi makes them, 32 hexadecimal digits. */
export function newId(random: Random): string {
  const part = (): string => below(random, 2 ** 32).toString(16).padStart(8, "0");
  return part() + part() + part() + part();
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value;
}
