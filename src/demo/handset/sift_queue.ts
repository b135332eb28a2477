/**
 * Looks through a queue of a broker in this process, by taking all that wait and putting back what
 * stays.
 *
 * @module
 */

import type { Broker } from "../../broker/mod.ts";
import type { Sift, SiftedFate, SiftedMessage } from "./parking.ts";

/** A broker that can tell what waits. */
export interface VisibleBroker extends Pick<Broker, "consume" | "declare" | "publish"> {
  /** The messages of a queue that nobody has taken yet, the next one first. */
  waiting(queue: string): readonly SiftedMessage[];
}

/** How a {@linkcode Parking} looks through the queues of `broker`. */
export function siftQueue(broker: VisibleBroker): Sift {
  return async (queue, decide) => {
    const fates = broker.waiting(queue).map((message) => decide(message));
    if (fates.every((fate) => fate === "keep")) return;
    const allSeen = Promise.withResolvers<void>();
    let seen = 0;
    const options = { prefetch: fates.length, parkingQueue: queue };
    const consumer = broker.consume(queue, options, async ({ body }) => {
      const fate = fates[seen++] ?? "keep";
      if (seen >= fates.length) allSeen.resolve();
      // Nothing is put back before all were seen, or it would come again.
      await allSeen.promise;
      return await settle(broker, fate, body);
    });
    await allSeen.promise;
    await consumer.cancel();
    await consumer.settled();
  };
}

async function settle(
  broker: VisibleBroker,
  fate: SiftedFate,
  body: Uint8Array,
): Promise<{ kind: "done" | "requeue" }> {
  if (fate === "keep") return { kind: "requeue" };
  if (fate !== "drop") await broker.publish(fate.moveTo, body);
  return { kind: "done" };
}
