/**
 * A queue's partitions: what they are called, which one a message belongs to, and how many of them
 * each instance has. All of a user's messages belong to one, so that whoever consumes that keeps
 * them in order, however many instances there are.
 *
 * @module
 */

import type { Broker } from "../broker/mod.ts";

/** The most partitions that a queue can have. */
const MOST = 64;

/**
 * Header of a message that may be in its partition twice, as whoever moved it there ended before it
 * was known. It may be done with already.
 */
const MOVED_AGAIN = "x-moved-again";

/** The headers that say so. */
export const MOVED_AGAIN_HEADERS = { [MOVED_AGAIN]: 1 } as const;

/** Whether a message may be in its queue twice; see {@linkcode MOVED_AGAIN_HEADERS}. */
export function isMovedAgain(headers: Readonly<Record<string, unknown>>): boolean {
  return headers[MOVED_AGAIN] !== undefined;
}

/** The names of the partitions of `queue`, if it has `count`. */
export function partitionsOf(queue: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => partition(queue, index));
}

/**
 * The partitions that `queue` has: `count`, and further ones that are still there from when it had
 * more.
 *
 * @throws {PublishError} See {@linkcode Broker.depth}.
 */
export async function findPartitions(
  broker: Broker,
  queue: string,
  count: number,
): Promise<readonly string[]> {
  const found = [...partitionsOf(queue, count)];
  // To ask for one that is not there is an error in the server's log, so the first gap is the end.
  while (found.length < MOST) {
    const next = partition(queue, found.length);
    if (await broker.depth(next) === undefined) break;
    found.push(next);
  }
  return found;
}

/**
 * Which of `count` partitions `key` belongs to, from 0. The same in every version, or messages would
 * change their partition with an update: 32 bits of FNV-1a, mixed as MurmurHash3 does at its end.
 */
export function partitionOf(key: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return ((hash ^ hash >>> 16) >>> 0) % count;
}

/** The most of `count` partitions that each of so many instances has. */
export function shareOf(count: number, instances: number): number {
  return Math.ceil(count / Math.max(1, instances));
}

/**
 * The prefetch of the one at `index` of so many partitions. Together they have one queue's, unless
 * that is less than one each.
 */
export function prefetchOf(prefetch: number, partitions: number, index: number): number {
  const rest = prefetch % partitions;
  return Math.max(1, Math.floor(prefetch / partitions) + (index < rest ? 1 : 0));
}

function partition(queue: string, index: number): string {
  return `${queue}.p${index}`;
}
