/**
 * Looking through a queue of RabbitMQ while it is in use: its messages are taken one after the other
 * and are not acked, so that each goes back to its place when the channel is closed. A quorum queue
 * counts that, and drops a message that went back too often; so one that went back before is put to
 * the end as a confirmed copy instead, and with it all that come after it, to keep their order.
 *
 * @module
 */

import type { GetMessage } from "amqplib";
import type { AmqpConnection } from "./amqp_connection.ts";
import type { AmqpCopies, CopyTarget } from "./amqp_copies.ts";
import { copyOf, returnsOf } from "./amqp_copy.ts";
import {
  type AmqpSession,
  codeOf,
  faultOf,
  lost,
  NOT_FOUND,
  openSession,
  orLost,
} from "./amqp_session.ts";
import type { Fate, QueuedMessage } from "./mod.ts";

/** What {@linkcode sift} needs. */
export interface SiftOptions {
  /** The connection to read on. */
  readonly connection: AmqpConnection;
  /** For messages that are moved, or go to the end. */
  readonly copies: AmqpCopies;
  /** Whether a queue is declared by us, so that it is made if it has gone. */
  readonly restore: (queue: string) => Promise<void>;
}

/**
 * How many messages wait; undefined if the queue is not there, which has ended the session.
 *
 * @throws {PublishError} If nobody can tell.
 */
export async function depth(session: AmqpSession, queue: string): Promise<number | undefined> {
  try {
    return (await orLost(session, session.channel.checkQueue(queue))).messageCount;
  } catch (error) {
    if (codeOf(session.fault ?? error) === NOT_FOUND) return undefined;
    throw faultOf(queue, session.fault ?? error);
  }
}

/** Looks through a queue; see {@linkcode Broker.sift}. */
export async function sift(
  { connection, copies, restore }: SiftOptions,
  queue: string,
  decide: (message: QueuedMessage) => Fate | Promise<Fate>,
): Promise<void> {
  const session = await openSession(connection, queue);
  let isGoingRound = false;
  try {
    const count = await depth(session, queue);
    if (count === undefined) return;
    for (let left = count; left > 0; left--) {
      const message = await take(session, queue);
      if (!message) return; // Others have taken some meanwhile.
      const { content: body, properties } = message;
      const headers = properties.headers ?? {};
      const fate = await decide({ body, headers });
      isGoingRound ||= fate === "keep" && returnsOf(properties) > 0;
      if (fate === "keep" && !isGoingRound) continue;
      // Its message is in the queue again: a copy would be one too many.
      if (session.lost.aborted) break;
      if (fate === "keep") {
        await copies.publish({ kind: "queue", queue }, body, copyOf(properties, {}));
      } else if (fate !== "drop") {
        await restore(fate.moveTo);
        const target: CopyTarget = { kind: "queue", queue: fate.moveTo };
        await copies.publish(target, body, copyOf({ ...properties, headers: fate.headers }, {}));
      }
      session.reply((channel) => channel.ack(message));
    }
    if (session.lost.aborted) throw faultOf(queue, session.fault ?? lost());
  } finally {
    await session.close();
  }
}

/** Rejects also if the connection ends in the middle of the message: amqplib would never tell. */
async function take(session: AmqpSession, queue: string): Promise<GetMessage | false> {
  try {
    return await orLost(session, session.channel.get(queue));
  } catch (error) {
    throw faultOf(queue, session.fault ?? error);
  }
}
