/**
 * Looking through a queue of RabbitMQ while it is in use: its messages are taken one after the other
 * and are not acked, so that each goes back to its place when the channel is closed. A quorum queue
 * counts that, and drops a message that went back too often; so one that went back before is put to
 * the end as a confirmed copy instead, and with it all that come after it, to keep their order.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { ConsumeMessage } from "amqplib";
import type { AmqpConnection } from "./connection.ts";
import type { AmqpCopies, CopyTarget } from "./copies.ts";
import { copyOf, returnsOf } from "./copy.ts";
import {
  type AmqpSession,
  codeOf,
  faultOf,
  lost,
  NOT_FOUND,
  openSession,
  orLost,
} from "./session.ts";
import type { Decision, QueuedMessage } from "../mod.ts";

/** What {@linkcode browse} needs. */
export interface BrowseOptions {
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

/** Most messages that are held until the end of a look; those behind them go to the end as copies. */
const MOST_HELD = 10_000;

/** Looks through a queue; see {@linkcode Broker.sift}. */
export async function browse(
  { connection, copies, restore }: BrowseOptions,
  queue: string,
  decide: (message: QueuedMessage) => Decision | Promise<Decision>,
): Promise<void> {
  const session = await openSession(connection, queue);
  let held = 0;
  let staying = 0;
  try {
    const count = await depth(session, queue);
    if (!count) return;
    const reader = await Reader.start(session, queue, Math.min(count, MOST_HELD + 1));
    let isGoingRound = false;
    for (let left = count; left > 0; left--) {
      const message = await reader.next();
      if (!message) break; // Others have taken some meanwhile, or the channel has ended.
      staying++;
      const { content: body, properties } = message;
      const fate = await decide({ body, headers: properties.headers ?? {} });
      isGoingRound ||= fate === "keep" && (returnsOf(properties) > 0 || held === MOST_HELD);
      if (fate === "keep" && !isGoingRound) {
        held++;
        continue;
      }
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
      const stays = fate === "keep" || fate !== "drop" && fate.moveTo === queue;
      if (!stays) staying--;
    }
    if (session.lost.aborted) throw faultOf(queue, session.fault ?? lost());
  } finally {
    await session.close();
    if (staying > 0 && connection.ready) await untilThere(connection, queue, staying);
  }
}

/** A quorum queue has what goes to it a moment later. Whoever else reads may take it at once. */
async function untilThere(connection: AmqpConnection, queue: string, count: number): Promise<void> {
  const session = await openSession(connection, queue);
  try {
    for (let look = 0; look < MOST_LOOKS; look++) {
      if ((await depth(session, queue) ?? count) >= count) return;
      await delay(LOOK_EACH_MS);
    }
  } finally {
    await session.close();
  }
}

/** How often, and how far apart in milliseconds, it is looked whether messages are back. */
const [MOST_LOOKS, LOOK_EACH_MS] = [20, 50];

/** How long a message is waited for before it is asked whether there is one, in milliseconds. */
const NEXT_MS = 200;

/**
 * Takes messages one after the other. As a consumer: what is taken by `get` a quorum queue gets back in
 * any order.
 */
class Reader {
  readonly #session: AmqpSession;
  readonly #queue: string;
  readonly #come: ConsumeMessage[] = [];
  #change = Promise.withResolvers<void>();

  private constructor(session: AmqpSession, queue: string) {
    this.#session = session;
    this.#queue = queue;
    session.lost.addEventListener("abort", () => this.#change.resolve());
  }

  static async start(session: AmqpSession, queue: string, prefetch: number): Promise<Reader> {
    const reader = new Reader(session, queue);
    const { channel } = session;
    try {
      await orLost(session, channel.prefetch(prefetch));
      await orLost(
        session,
        channel.consume(queue, (message) => {
          if (message) reader.#come.push(message);
          reader.#change.resolve();
        }),
      );
    } catch (error) {
      throw faultOf(queue, session.fault ?? error);
    }
    return reader;
  }

  /** The next one; undefined if there is none any more, or nothing can be taken any more. */
  async next(): Promise<ConsumeMessage | undefined> {
    while (this.#come.length === 0 && !this.#session.lost.aborted) {
      this.#change = Promise.withResolvers();
      const timer = setTimeout(() => this.#change.resolve(), NEXT_MS);
      await this.#change.promise;
      clearTimeout(timer);
      if (this.#come.length > 0 || this.#session.lost.aborted) break;
      if (!await depth(this.#session, this.#queue) && this.#come.length === 0) return undefined;
    }
    return this.#session.lost.aborted ? undefined : this.#come.shift();
  }
}
