/**
 * How tests declare queues so that they are of the type that this run is about.
 *
 * @module
 */

import type { ChannelModel, Options } from "amqplib";
import { brokerChoice } from "./broker_choice.ts";

/** Whether tests' queues are quorum queues. */
export function areQuorum(): boolean {
  return brokerChoice().queues === "quorum";
}

/** Whether queues have to be declared as quorum queues: 3.10 has no default for them. */
export function isByHand(): boolean {
  const { version, queues } = brokerChoice();
  return version === "own" && queues === "quorum";
}

/** How a worker's queue is declared: as vumi2 does, with no arguments, where that is possible. */
export function workersQueue(): Options.AssertQueue {
  return { durable: true, ...(isByHand() ? { arguments: { "x-queue-type": "quorum" } } : {}) };
}

/**
 * Flags with which the program makes its own queues of that type too, as an operator would set them
 * who has made the workers' queues by hand.
 */
export function queueTypeFlags(): Readonly<Record<string, string>> {
  return isByHand() ? { "amqp-queue-type": "quorum" } : {};
}

/**
 * Makes queues before the program does, where their type has to be said: the program takes queues
 * that are there. Elsewhere nothing is made.
 */
export async function makeByHand(
  connection: ChannelModel,
  names: readonly string[],
): Promise<void> {
  if (!isByHand()) return;
  const channel = await connection.createChannel();
  for (const name of names) await channel.assertQueue(name, workersQueue());
  await channel.close();
}
