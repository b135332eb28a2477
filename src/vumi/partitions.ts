/**
 * Queues into which earlier versions sorted messages, if they were told to (`partitions`). Nobody
 * consumes them any more; what was left in them can be brought back.
 *
 * @module
 */

import type { Broker } from "../broker/mod.ts";
import { queuesOf } from "./connector.ts";

/** There were so many at most. */
const MOST = 64;
/** To ask for a queue that is not there is an error in RabbitMQ's log: after so many are no more. */
const MOST_ABSENT = 3;

/** All names that the partitions of `queue` may have had. */
export function oldPartitions(queue: string): readonly string[] {
  return Array.from({ length: MOST }, (_, index) => `${queue}.p${index}`);
}

/** What {@linkcode bringBack} works on. */
export interface PartitionsOptions {
  /** The connector's name. */
  readonly name: string;
  /** Where the queues are. */
  readonly broker: Broker;
}

/**
 * Puts what waits in a connector's old partitions at the end of the queues that it came from, one
 * confirmed message at a time, in order: all of a user's messages are in one partition. Answers how many.
 *
 * @throws {PublishError} See {@linkcode Broker.sift}.
 */
export async function bringBack({ name, broker }: PartitionsOptions): Promise<number> {
  let count = 0;
  const { inbound, event } = queuesOf(name);
  for (const queue of [inbound, event]) {
    broker.declare(queue);
    for (const partition of await partitionsThere(broker, queue)) {
      await broker.browse(partition, ({ headers }) => {
        count++;
        return { moveTo: queue, headers };
      });
    }
  }
  return count;
}

/**
 * How many messages wait in a connector's old partitions.
 *
 * @throws {PublishError} See {@linkcode Broker.depth}.
 */
export async function countLeft({ name, broker }: PartitionsOptions): Promise<number> {
  let count = 0;
  const { inbound, event } = queuesOf(name);
  for (const queue of [inbound, event]) {
    for (const partition of await partitionsThere(broker, queue)) {
      count += await broker.depth(partition) ?? 0;
    }
  }
  return count;
}

async function partitionsThere(broker: Broker, queue: string): Promise<readonly string[]> {
  const found: string[] = [];
  let absent = 0;
  for (const name of oldPartitions(queue)) {
    const isThere = await broker.depth(name) !== undefined;
    absent = isThere ? 0 : absent + 1;
    if (isThere) found.push(name);
    if (absent > MOST_ABSENT) break;
  }
  return found;
}
