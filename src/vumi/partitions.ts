// Queues into which earlier versions sorted messages, if they were configured to (`partitions`).
// Nobody consumes them any more; what was left in them can be brought back.

import type { Browser, Publisher } from "../broker/mod.ts";
import { queuesOf } from "./connector.ts";

/** Most partitions that a queue may have had. */
const MOST = 64;
/** To ask for a queue that is not there is an error in RabbitMQ's log: after so many are no more. */
const MOST_ABSENT = 3;

/** A partition in which messages wait. */
export interface Partition {
  /** Its queue. */
  readonly name: string;
  /** The queue that its messages came from. */
  readonly of: string;
  /** How many messages wait. */
  readonly waiting: number;
}

/**
 * The partitions of a connector in which messages wait.
 * @throws {PublishError} See {@linkcode Browser.depth}.
 */
export async function findPartitions(
  connector: string,
  broker: Pick<Browser, "depth">,
): Promise<readonly Partition[]> {
  const found: Partition[] = [];
  const { inbound, event } = queuesOf(connector);
  for (const queue of [inbound, event]) {
    for (let index = 0, absent = 0; index < MOST && absent <= MOST_ABSENT; index++) {
      const name = `${queue}.p${index}`;
      const waiting = await broker.depth(name);
      absent = waiting === undefined ? absent + 1 : 0;
      if (waiting) found.push({ name, of: queue, waiting });
    }
  }
  return found;
}

/**
 * Puts what waits in a connector's partitions at the end of the queues that it came from, one confirmed
 * message at a time, in order: all of a user's messages are in one partition. Answers how many.
 * @throws {PublishError} See {@linkcode Browser.browse}.
 */
export async function replayPartitions(
  connector: string,
  broker: Browser & Pick<Publisher, "declare">,
): Promise<number> {
  let count = 0;
  for (const { name, of } of await findPartitions(connector, broker)) {
    broker.declare(of);
    await broker.browse(name, ({ headers }) => {
      count++;
      return { moveTo: of, headers };
    });
  }
  return count;
}
