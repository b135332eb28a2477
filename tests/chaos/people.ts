/**
 * People, and what they write or are written to.
 *
 * @module
 */

import type { Wish } from "./load.ts";
import type { Writing } from "./operator.ts";
import { below, newId, randomOf } from "./random.ts";

/** What people write, in the order in which they do. */
export function messagesOf(seed: number, count: number, users: number): Writing[] {
  const random = randomOf(seed, "messages");
  return Array.from({ length: count }, (_, place) => ({
    id: newId(random),
    user: userOf(below(random, users)),
    text: `What user writes as message ${place}`,
  }));
}

/** What people are written. */
export function wishesOf(seed: number, count: number, users: number): Wish[] {
  const random = randomOf(seed, "wishes");
  return Array.from({ length: count }, (_, place) => ({
    user: userOf(below(random, users)),
    content: `What Turn writes as message ${place}`,
  }));
}

/** A user's address. */
export function userOf(number: number): string {
  return `+2780${String(number).padStart(7, "0")}`;
}

/** Resolves after so long. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A share in percent. */
export function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : 100 * part / whole).toFixed(1)} %`;
}
