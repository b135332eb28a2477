/**
 * Looking through a queue of RabbitMQ while it is in use: its messages are taken one after the
 * other and are not acked, so that each goes back to its place when the channel is closed.
 *
 * @module
 */

import type { GetMessage } from "amqplib";
import type { AmqpConnection } from "./amqp_connection.ts";
import { copyOf } from "./amqp_copy.ts";
import type { AmqpPublisher } from "./amqp_publisher.ts";
import {
  type AmqpSession,
  codeOf,
  faultOf,
  lost,
  NOT_FOUND,
  openSession,
  orLost,
} from "./amqp_session.ts";
import { type Fate, PublishError, type QueuedMessage } from "./mod.ts";

/** What {@linkcode sift} needs. */
export interface SiftOptions {
  /** The connection to read on. */
  readonly connection: AmqpConnection;
  /** For messages to be moved. */
  readonly publisher: AmqpPublisher;
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
  { connection, publisher }: SiftOptions,
  queue: string,
  decide: (message: QueuedMessage) => Fate | Promise<Fate>,
): Promise<void> {
  const session = await openSession(connection, queue);
  try {
    const count = await depth(session, queue);
    if (count === undefined) return;
    for (let left = count; left > 0; left--) {
      const message = await take(session, queue);
      if (!message) return; // Others have taken some meanwhile.
      const { content: body, properties } = message;
      const fate = await decide({ body, headers: properties.headers ?? {} });
      if (fate === "keep") continue;
      // Its message is in the queue again: a copy would be one too many.
      if (session.lost.aborted) break;
      if (fate !== "drop") await move(publisher, message, fate);
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

/** Also to a queue that is gone, or not there yet, if it is one that was declared. */
async function move(
  publisher: AmqpPublisher,
  { content, properties }: GetMessage,
  { moveTo, headers }: Exclude<Fate, string>,
): Promise<void> {
  const copy = copyOf({ ...properties, headers }, {});
  try {
    await publisher.publishCopy(moveTo, content, copy);
  } catch (error) {
    const isRefused = error instanceof PublishError && error.fault === "refused";
    if (!isRefused || !await publisher.restore(moveTo)) throw error;
    await publisher.publishCopy(moveTo, content, copy);
  }
}
