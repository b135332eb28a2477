/**
 * What becomes of a message of RabbitMQ's once its handler has decided: an ack, a nack, or a
 * confirmed copy in another queue and then an ack; on the channel that it came on, or not at all.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { ConsumeMessage, MessageProperties, Options } from "amqplib";
import { copyOf, copyWithoutHeaders, delayedCopy } from "./amqp_copy.ts";
import type { AmqpPublisher } from "./amqp_publisher.ts";
import type { AmqpSession } from "./amqp_session.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import { addedHeaders, type Copied } from "./handle.ts";
import { delayQueue, type Disposition, PublishError } from "./mod.ts";

const log = getLogger(["turn-channels", "broker"]);

/** What {@linkcode answer} needs to know. */
export interface AnswerOptions extends BackoffOptions {
  /** For copies. */
  readonly publisher: AmqpPublisher;
  /** The queue that the message is from. */
  readonly queue: string;
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

/** Resolves when the message is answered, or can't be any more. */
export async function answer(
  delivery: Delivery,
  disposition: Disposition,
  options: AnswerOptions,
): Promise<void> {
  const { session, message } = delivery;
  switch (disposition.kind) {
    case "done":
      return session.reply((channel) => channel.ack(message));
    case "requeue":
      return session.reply((channel) => channel.nack(message, false, true));
    case "later":
    case "park":
      await copy(delivery, disposition, options);
  }
}

/** Acks the message once its copy is confirmed. Tries until then, or until it can't be acked. */
async function copy(
  { session, message, properties }: Delivery,
  disposition: Copied,
  options: AnswerOptions,
): Promise<void> {
  const { publisher, queue, parkingQueue } = options;
  const later = disposition.kind === "later";
  const target = later ? delayQueue(queue, disposition.delayMs) : parkingQueue;
  const headers = addedHeaders(queue, disposition, new Date());
  let made: Options.Publish = (later ? delayedCopy : copyOf)(properties, headers);
  const backoff = new Backoff(options);
  let reported = "";
  while (!session.lost.aborted) {
    try {
      await publisher.publishCopy(target, message.content, made, { patient: true });
      return session.reply((channel) => channel.ack(message));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== reported) {
        log.warn("Cannot move a message of {queue} to {target}: {reason}", {
          queue,
          target,
          reason,
        });
      }
      reported = reason;
      if (!(error instanceof PublishError)) made = copyWithoutHeaders(properties, headers);
    }
    await backoff.pause(session.lost);
  }
}
