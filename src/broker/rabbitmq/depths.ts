/**
 * How many messages wait in queues of RabbitMQ. This is asked again and again of many queues, so it is
 * asked on one channel that is kept: one call instead of three. One after the other, because a
 * queue that is not there ends the channel.
 *
 * @module
 */

import type { AmqpConnection } from "./connection.ts";
import { type AmqpSession, openSession } from "./session.ts";
import { depth } from "./browse.ts";

/** Asks on one connection. */
export class AmqpDepths {
  readonly #connection: AmqpConnection;
  #session: AmqpSession | undefined;
  #asked: Promise<unknown> = Promise.resolve();

  /** Opens nothing before it is asked. The channel ends with the connection. */
  constructor(connection: AmqpConnection) {
    this.#connection = connection;
  }

  /** See {@linkcode Broker.depth}. */
  of(queue: string): Promise<number | undefined> {
    const asking = this.#asked.then(() => this.#ask(queue));
    // Whoever asks next has nothing to do with it.
    this.#asked = asking.catch(() => {});
    return asking;
  }

  async #ask(queue: string): Promise<number | undefined> {
    if (this.#session?.lost.aborted) this.#session = undefined;
    const session = this.#session ??= await openSession(this.#connection, queue);
    let count: number | undefined;
    try {
      return count = await depth(session, queue);
    } finally {
      if (count === undefined) {
        this.#session = undefined;
        await session.close();
      }
    }
  }
}
