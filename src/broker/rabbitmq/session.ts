/**
 * One channel that messages are consumed on, from its opening to its end. Messages can be answered
 * on it and nowhere else, and not after its end.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { type Channel, IllegalOperationError } from "amqplib";
import type { AmqpConnection } from "./connection.ts";
import { PublishError } from "../mod.ts";

/** RabbitMQ's code for what is not there. */
export const NOT_FOUND = 404;

const log = getLogger(["turn-channels", "broker"]);

/** A channel, and how many of its messages are in work. */
export class AmqpSession {
  /** The channel. */
  readonly channel: Channel;
  readonly #lost = new AbortController();
  readonly #ended: Promise<void>;
  /** Messages that are not answered yet. */
  inWork = 0;
  /** Why the server has closed the channel, if it has. */
  fault: Error | undefined;

  /** Takes over a channel that nobody has used. */
  constructor(channel: Channel) {
    this.channel = channel;
    // Without a listener the connection would end.
    channel.on("error", (error) => this.fault = error);
    this.#ended = new Promise((resolve) => channel.on("close", () => resolve()));
    void this.#ended.then(() => this.#lost.abort());
  }

  /** Fires when nothing can be answered any more. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Answers a message, unless its channel is gone: then the server delivers it again. */
  reply(send: (channel: Channel) => void): void {
    try {
      if (!this.lost.aborted) return send(this.channel);
    } catch (error) {
      // The connection is closing and the channel does not know yet.
      if (!(error instanceof IllegalOperationError)) throw error;
    }
    log.debug("Answer dropped: its channel is gone");
  }

  /**
   * Closes the channel: RabbitMQ puts what is not answered back. Not each by
   * itself: a quorum queue of 3.10 would put it to the end. Resolves when the channel has ended,
   * and so the answers have arrived: amqplib may send a connection's close before them.
   */
  close(): Promise<void> {
    if (!this.lost.aborted) {
      this.#lost.abort();
      // It never settles when the connection ends first, but then the channel ends too.
      this.channel.close().catch(() => {});
    }
    return this.#ended;
  }
}

/**
 * A channel of its own to look into `queue`.
 *
 * @throws {PublishError} If there is no connection.
 */
export async function openSession(
  connection: AmqpConnection,
  queue: string,
): Promise<AmqpSession> {
  const model = connection.current;
  if (!model) throw faultOf(queue, new Error("there is no connection to RabbitMQ"));
  try {
    return new AmqpSession(await model.createChannel());
  } catch (error) {
    throw faultOf(queue, error);
  }
}

/** What became of a call when its channel has ended. */
export function lost(): Error {
  return new Error("the channel has ended");
}

/** What the server has refused with a code is refused; all else is the connection's. */
export function faultOf(queue: string, cause: unknown): PublishError {
  const fault = codeOf(cause) === undefined ? "unavailable" : "refused";
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PublishError(fault, `Cannot look into ${queue}: ${reason}`, { cause });
}

/** The server's code. What a socket reports has a text for a code. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "number"
    ? error.code
    : undefined;
}

/** What is answered. Rejects also if the channel ends meanwhile, of which amqplib may never tell. */
export async function orLost<T>(session: AmqpSession, answer: Promise<T>): Promise<T> {
  const ended = Promise.withResolvers<never>();
  const onLost = () => ended.reject(session.fault ?? lost());
  session.lost.addEventListener("abort", onLost);
  try {
    return await Promise.race([answer, ended.promise]);
  } finally {
    session.lost.removeEventListener("abort", onLost);
  }
}
