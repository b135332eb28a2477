// Looking into queues of RabbitMQ while they are in use.

import { setTimeout as delay } from "node:timers/promises";
import type { ConsumeMessage, Replies } from "amqplib";
import type { AmqpConnection } from "./connection.ts";
import type { AmqpCopies } from "./copies.ts";
import { copyOf, returnsOf } from "./copy_properties.ts";
import type { AmqpPublisher } from "./publisher.ts";
import { codeOf, messageOf, NOT_FOUND } from "./server_errors.ts";
import { AmqpSession } from "./session.ts";
import { EXPIRED, within } from "../../async/mod.ts";
import { type Decide, PublishError } from "../mod.ts";

/** Most messages that are held until the end of a look; those behind them go to the end as copies. */
const MOST_HELD = 10_000;

/** How often to look whether messages are back, and how far apart. */
const [MOST_LOOKS, LOOK_EACH_MS] = [20, 50];

/** How long a look waits for a copy: all that it holds is hidden from others, and an alarm may be long. */
const COPY_MS = 5_000;

/** How long to wait for a depth: of a queue on a dead node it is told after a minute. */
const DEPTH_MS = 5_000;

/** How long to wait for a message before it is asked whether there is one. */
const NEXT_MS = 200;

interface BrowseOptions {
  readonly connection: AmqpConnection;
  readonly copies: AmqpCopies;
  readonly publisher: Pick<AmqpPublisher, "restore">;
}

/**
 * Looks through a queue; see {@linkcode Browser.browse}. Its messages are taken one after the other and
 * are not acked, so that each goes back to its place when the channel is closed. A quorum queue counts
 * that, and drops a message that went back too often; so one that went back before is put to the end as
 * a confirmed copy instead, and with it all that come after it, to keep their order.
 */
export async function browse(
  { connection, copies, publisher }: BrowseOptions,
  queue: string,
  decide: Decide,
): Promise<void> {
  const session = await openSession(connection, queue);
  let held = 0;
  let staying = 0;
  try {
    const count = (await look(session, queue))?.messageCount;
    if (!count) return;
    let isCopying = false;
    for await (const message of take(session, queue, count)) {
      staying++;
      const { content: body, properties } = message;
      const decision = await decide({ body, headers: properties.headers ?? {} });
      isCopying ||= decision === "keep" && (returnsOf(properties) > 0 || held === MOST_HELD);
      if (decision === "keep" && !isCopying) {
        held++;
        continue;
      }
      // Its message is in the queue again: a copy would be one too many.
      if (session.lost.aborted) break;
      if (decision === "keep") {
        await copied(queue, copies.publish({ kind: "queue", queue }, body, copyOf(properties, {})));
      } else if (decision !== "drop") {
        const { moveTo, headers } = decision;
        await publisher.restore(moveTo);
        const copy = copyOf({ ...properties, headers }, {});
        await copied(moveTo, copies.publish({ kind: "queue", queue: moveTo }, body, copy));
      }
      session.reply((channel) => channel.ack(message));
      const stays = decision === "keep" || decision !== "drop" && decision.moveTo === queue;
      if (!stays) staying--;
    }
    if (session.lost.aborted) throw faultOf(queue, session.endReason);
  } finally {
    await session.close();
    if (staying > 0 && connection.ready) await untilThere(connection, queue, staying);
  }
}

/** @throws {PublishError} If it takes too long; it may still be there later. */
async function copied(queue: string, copying: Promise<void>): Promise<void> {
  if (await within(copying, COPY_MS) !== EXPIRED) return;
  const text =
    `RabbitMQ did not confirm a copy in ${queue} in time: the message may be there twice`;
  throw new PublishError("unconfirmed", text);
}

/** Waits until the messages are there: a quorum queue has them a moment later. */
async function untilThere(connection: AmqpConnection, queue: string, count: number): Promise<void> {
  const session = await openSession(connection, queue);
  try {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const there = await look(session, queue);
      if (there === undefined || there.messageCount >= count) return;
      await delay(LOOK_EACH_MS);
    }
  } finally {
    await session.close();
  }
}

/**
 * Takes up to `count` messages: fewer, if others take some meanwhile, or the channel ends. It consumes,
 * as a quorum queue gets back in any order what was taken by `get`.
 */
async function* take(
  session: AmqpSession,
  queue: string,
  count: number,
): AsyncGenerator<ConsumeMessage, void, void> {
  const come: ConsumeMessage[] = [];
  let change = Promise.withResolvers<void>();
  const onMessage = (message: ConsumeMessage | null): void => {
    if (message) come.push(message);
    change.resolve();
  };
  try {
    await session.orLost(session.channel.prefetch(Math.min(count, MOST_HELD + 1)));
    await session.orLost(session.channel.consume(queue, onMessage));
  } catch (error) {
    throw faultOf(queue, session.fault ?? error);
  }
  let left = count;
  while (left > 0 && !session.lost.aborted) {
    const message = come.shift();
    if (message) {
      left--;
      yield message;
      continue;
    }
    change = Promise.withResolvers();
    await within(change.promise, NEXT_MS, session.lost);
    if (come.length > 0 || session.lost.aborted) continue;
    const there = await look(session, queue);
    if (!there?.messageCount && come.length === 0) return;
  }
}

/**
 * Counts what is in queues, and who consumes them. It is asked again and again about many queues, so it
 * keeps one channel: one call instead of three. It asks one after the other, because a queue that is not
 * there ends the channel.
 */
export class AmqpDepths {
  readonly #connection: Pick<AmqpConnection, "current">;
  #session: AmqpSession | undefined;
  #asked: Promise<unknown> = Promise.resolve();

  constructor(connection: Pick<AmqpConnection, "current">) {
    this.#connection = connection;
  }

  of(queue: string): Promise<Replies.AssertQueue | undefined> {
    const asking = this.#asked.then(() => this.#ask(queue));
    // A fault is for those who asked, not for those who ask next.
    this.#asked = asking.catch(() => {});
    return asking;
  }

  async #ask(queue: string): Promise<Replies.AssertQueue | undefined> {
    if (this.#session?.lost.aborted) this.#session = undefined;
    const session = this.#session ??= await openSession(this.#connection, queue);
    let seen: Replies.AssertQueue | typeof EXPIRED | undefined;
    try {
      seen = await within(look(session, queue), DEPTH_MS);
      if (seen !== EXPIRED) return seen;
      throw faultOf(queue, new Error("no answer from RabbitMQ; its node may be down"));
    } finally {
      if (seen === undefined || seen === EXPIRED) void session.close();
    }
  }
}

/**
 * What RabbitMQ tells of a queue; undefined if it is not there, which has ended the session.
 * @throws {PublishError} If nobody can tell.
 */
async function look(
  session: AmqpSession,
  queue: string,
): Promise<Replies.AssertQueue | undefined> {
  try {
    return await session.orLost(session.channel.checkQueue(queue));
  } catch (error) {
    if (codeOf(session.fault ?? error) === NOT_FOUND) return undefined;
    throw faultOf(queue, session.fault ?? error);
  }
}

/** @throws {PublishError} If there is no connection. */
async function openSession(
  { current: model }: Pick<AmqpConnection, "current">,
  queue: string,
): Promise<AmqpSession> {
  if (!model) throw faultOf(queue, new Error("there is no connection to RabbitMQ"));
  try {
    return new AmqpSession(await model.createChannel());
  } catch (error) {
    throw faultOf(queue, error);
  }
}

/** A call that failed: refused if the server gave a code; all else is the connection's fault. */
function faultOf(queue: string, cause: unknown): PublishError {
  const fault = codeOf(cause) === undefined ? "unavailable" : "refused";
  return new PublishError(fault, `Cannot look into ${queue}: ${messageOf(cause)}`, { cause });
}
