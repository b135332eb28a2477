// Who else consumes a queue. RabbitMQ hands each message to one consumer only, so that a second one
// takes messages away from the first.

import { AmqpBroker, type AmqpBrokerOptions } from "../rabbitmq_broker.ts";

/**
 * How many consumers `queue` has: 0 if there is no such queue.
 * @throws {PublishError} If no server can be asked within `timeoutMs` milliseconds.
 */
export async function countConsumers(
  server: AmqpBrokerOptions,
  queue: string,
  timeoutMs: number,
): Promise<number> {
  await using broker = AmqpBroker.open(server);
  await broker.ready(timeoutMs);
  return await broker.consumersOf(queue);
}
