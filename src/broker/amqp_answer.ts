/**
 * What becomes of a message of RabbitMQ's once its handler has decided: an ack, a nack, or a
 * confirmed copy in another queue and then an ack; on the channel that it came on, or not at all.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { ConsumeMessage, MessageProperties } from "amqplib";
import { copyOf, delayedCopy } from "./amqp_copy.ts";
import type { AmqpPublisher } from "./amqp_publisher.ts";
import type { AmqpSession } from "./amqp_session.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import { addedHeaders, type Copied } from "./handle.ts";
import { delayQueue, type Disposition } from "./mod.ts";

const log = getLogger(["turn-channels", "broker"]);

const CANNOT_MOVE = "Cannot move a message of {queue} to {target}: {reason}";

/** What {@linkcode AmqpAnswers} need. */
export interface AnswerOptions extends BackoffOptions {
  /** For copies. */
  readonly publisher: AmqpPublisher;
  /** The queue that the message is said to be from; see {@linkcode ConsumeOptions.home}. */
  readonly home: string;
  /** Where messages are parked; the publisher knows it, and the delay queues. */
  readonly parkingQueue: string;
}

/** A message that was consumed, and its channel. */
export interface Delivery {
  /** The channel that it came on. */
  readonly session: AmqpSession;
  /** As it came. */
  readonly message: ConsumeMessage;
  /** Its properties without the traces of its having been delayed. */
  readonly properties: MessageProperties;
}

/** The answers to one consumer's messages. */
export class AmqpAnswers {
  readonly #options: AnswerOptions;
  /** The copy that was begun last, by the queue that it goes to. */
  readonly #copies = new Map<string, Promise<void>>();

  /** Keeps the options. */
  constructor(options: AnswerOptions) {
    this.#options = options;
  }

  /** Resolves when the message is answered, or can't be any more. */
  async answer(delivery: Delivery, disposition: Disposition): Promise<void> {
    const { session, message } = delivery;
    switch (disposition.kind) {
      case "done":
        return session.reply((channel) => channel.ack(message));
      case "requeue":
        return session.putBack(message);
      case "later":
      case "park":
        await this.#copyInTurn(delivery, disposition);
    }
  }

  /** One at a time: of those side by side, a first that fails would come after the others. */
  #copyInTurn(delivery: Delivery, disposition: Copied): Promise<void> {
    const { home, parkingQueue } = this.#options;
    const target = disposition.kind === "later"
      ? delayQueue(home, disposition.delayMs)
      : parkingQueue;
    const turn = this.#copies.get(target) ?? Promise.resolve();
    const copied = turn.then(() => this.#copy(delivery, disposition, target));
    this.#copies.set(target, copied);
    return copied;
  }

  /** Acks the message once its copy is confirmed. Tries until then, or until it can't be acked. */
  async #copy(
    { session, message, properties }: Delivery,
    disposition: Copied,
    target: string,
  ): Promise<void> {
    const { publisher, home: queue } = this.#options;
    const headers = addedHeaders(queue, disposition, new Date());
    const make = disposition.kind === "later" ? delayedCopy : copyOf;
    const copy = make(properties, headers);
    const backoff = new Backoff(this.#options);
    let reported = "";
    while (!session.lost.aborted) {
      try {
        await publisher.publishCopy(target, message.content, copy, { patient: true });
        return session.reply((channel) => channel.ack(message));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (reason !== reported) log.warn(CANNOT_MOVE, { queue, target, reason });
        reported = reason;
      }
      await backoff.pause(session.lost);
    }
  }
}
