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
import { AmqpSession } from "./amqp_session.ts";
import { type Fate, PublishError, type QueuedMessage } from "./mod.ts";

/** RabbitMQ's code for what is not there. */
const NOT_FOUND = 404;

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
    return (await untilLost(session, session.channel.checkQueue(queue))).messageCount;
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

/**
 * Opens a channel to look on; `queue` is only named in what it throws.
 *
 * @throws {PublishError} If there is no connection, or no channel can be had.
 */
export async function openSession(connection: AmqpConnection, queue: string): Promise<AmqpSession> {
  const model = connection.current;
  if (!model) throw faultOf(queue, new Error("there is no connection to RabbitMQ"));
  try {
    return new AmqpSession(await model.createChannel());
  } catch (error) {
    throw faultOf(queue, error);
  }
}

async function take(session: AmqpSession, queue: string): Promise<GetMessage | false> {
  try {
    return await untilLost(session, session.channel.get(queue));
  } catch (error) {
    throw faultOf(queue, session.fault ?? error);
  }
}

/** Rejects also if the connection ends in the middle of the answer: amqplib would never tell. */
async function untilLost<T>(session: AmqpSession, answer: Promise<T>): Promise<T> {
  const ended = Promise.withResolvers<never>();
  const onLost = () => ended.reject(lost());
  session.lost.addEventListener("abort", onLost);
  try {
    return await Promise.race([answer, ended.promise]);
  } finally {
    session.lost.removeEventListener("abort", onLost);
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
    if (!(error instanceof PublishError)) {
      const message = `Cannot publish to ${moveTo}: the headers can't be encoded`;
      throw new PublishError("refused", message, { cause: error });
    }
    if (error.fault !== "refused" || !await publisher.restore(moveTo)) throw error;
    await publisher.publishCopy(moveTo, content, copy);
  }
}

function lost(): Error {
  return new Error("the channel has ended");
}

/** What the server has refused with a code is refused; all else is the connection's. */
function faultOf(queue: string, cause: unknown): PublishError {
  const fault = codeOf(cause) === undefined ? "unavailable" : "refused";
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PublishError(fault, `Cannot look into ${queue}: ${reason}`, { cause });
}

/** The server's code. What a socket reports has a text for a code. */
function codeOf(error: unknown): number | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "number"
    ? error.code
    : undefined;
}
