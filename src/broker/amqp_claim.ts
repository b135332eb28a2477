/**
 * Claims on queues of RabbitMQ, and groups. Each is a consumer of a small queue that ends with it,
 * on a channel of its own, so it is lost with that and with the program.
 *
 * Whoever consumes a queue with the flag `exclusive` has it alone only while it is subscribed, and
 * not at all on a quorum queue (3.10 lets others in). So the claim on a queue is an exclusive
 * consumer of another one, which belongs to the connection.
 *
 * @module
 */

import type { AmqpConnection } from "./amqp_connection.ts";
import {
  type AmqpSession,
  codeOf,
  faultOf,
  NOT_FOUND,
  openSession,
  orLost,
} from "./amqp_session.ts";
import type { Claim, Membership } from "./mod.ts";

/** Neither may be what a virtual host makes by default: quorum queues do not end by themselves. */
const CLASSIC = { "x-queue-type": "classic" };

/** Claims a queue; see {@linkcode Broker.claim}. */
export async function claim(
  connection: AmqpConnection,
  queue: string,
): Promise<Claim | undefined> {
  return await onSession(connection, queue, async (session) => {
    // Asked first, since the server ends a channel that is refused a lock, and logs an error.
    const { consumerCount } = await session.channel.checkQueue(queue);
    if (consumerCount > 0 || !await lock(session, queue)) return undefined;
    return { lost: session.lost, release: () => session.close() };
  });
}

/** Joins a group; see {@linkcode Broker.join}. */
export async function join(
  connection: AmqpConnection,
  group: string,
): Promise<Membership | undefined> {
  return await onSession(connection, group, async (session) => {
    const { channel } = session;
    // Durable, as RabbitMQ 4 advises against queues that are shared and are not.
    await channel.assertQueue(group, { durable: true, autoDelete: true, arguments: CLASSIC });
    await channel.consume(group, endWith(session), { noAck: true });
    return {
      lost: session.lost,
      release: () => session.close(),
      count: async () => {
        try {
          return (await orLost(session, channel.checkQueue(group))).consumerCount;
        } catch (error) {
          throw faultOf(group, session.fault ?? error);
        }
      },
    };
  });
}

/**
 * Claims `queue` on this session, until that ends. Answers whether it worked; if somebody else has
 * the claim, the session has ended.
 */
export async function lock(session: AmqpSession, queue: string): Promise<boolean> {
  const name = `${queue}.holder`;
  const { channel } = session;
  try {
    await channel.assertQueue(name, {
      durable: false,
      exclusive: true,
      autoDelete: true,
      arguments: CLASSIC,
    });
    await channel.consume(name, endWith(session), { exclusive: true, noAck: true });
    return true;
  } catch (error) {
    if (isLocked(error) || isInExclusiveUse(error)) return false;
    throw error;
  }
}

/** Whether it was refused because an exclusive consumer is there, or we wanted to be one. */
export function isInExclusiveUse(error: unknown): boolean {
  return error instanceof Error && error.message.includes("in exclusive use");
}

/** Whether it is the queue of another connection. */
export function isLocked(error: unknown): boolean {
  return error instanceof Error && error.message.includes("RESOURCE_LOCKED");
}

/** What somebody sends there is nothing to us; that the queue is deleted ends the claim. */
function endWith(session: AmqpSession): (message: unknown) => void {
  return (message) => {
    if (message === null) void session.close();
  };
}

/** Keeps the session if `use` comes to something, and ends it if not. */
async function onSession<T>(
  connection: AmqpConnection,
  queue: string,
  use: (session: AmqpSession) => Promise<T | undefined>,
): Promise<T | undefined> {
  const session = await openSession(connection, queue);
  let used: T | undefined;
  try {
    used = await orLost(session, use(session));
    return used;
  } catch (error) {
    const fault = session.fault ?? error;
    // The queue is not there (yet), or has just ended with its last member.
    if (codeOf(fault) === NOT_FOUND || isLocked(fault) || isInExclusiveUse(fault)) return undefined;
    throw faultOf(queue, fault);
  } finally {
    if (used === undefined) await session.close();
  }
}
