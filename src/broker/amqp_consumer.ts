/**
 * Consuming one queue of RabbitMQ on a channel of its own, which is made again when it ends. What a
 * handler decides is sent on the channel that the message came on, or not at all.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { ChannelModel, ConsumeMessage } from "amqplib";
import type { AmqpConnection } from "./amqp_connection.ts";
import { parkedCopy, parkedCopyWithoutHeaders } from "./amqp_parking.ts";
import { type AmqpPublisher, declareQueue } from "./amqp_publisher.ts";
import { AmqpSession } from "./amqp_session.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import { decide, type Park } from "./handle.ts";
import { type Consumer, type Handler, PublishError } from "./mod.ts";

const log = getLogger(["turn-channels", "broker"]);

/** What an {@linkcode AmqpConsumer} needs. */
export interface AmqpConsumerOptions extends BackoffOptions {
  /** The connection to consume on. */
  readonly connection: AmqpConnection;
  /** For messages to be parked. */
  readonly publisher: AmqpPublisher;
  /** The direct exchange. */
  readonly exchange: string;
  /** The queue to consume. */
  readonly queue: string;
  /** Where messages are parked; the publisher knows it. */
  readonly parkingQueue: string;
  /** Most messages in work. */
  readonly prefetch: number;
  /** Decides about each message. */
  readonly handler: Handler;
}

/** One {@linkcode Broker.consume}. */
export class AmqpConsumer implements Consumer {
  readonly #options: AmqpConsumerOptions;
  readonly #stop = new AbortController();
  readonly #stopped = aborted(this.#stop.signal);
  readonly #backoff: Backoff;
  readonly #running: Promise<void>;
  readonly #work = new Set<Promise<void>>();
  #session: AmqpSession | undefined;
  #subscribed = false;
  #reported = "";

  /** Begins to consume, as soon as there is a connection. */
  constructor(options: AmqpConsumerOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options);
    this.#running = this.#run();
  }

  /** Whether messages are coming. */
  get subscribed(): boolean {
    return this.#subscribed;
  }

  /** See {@linkcode Consumer.cancel}. */
  async cancel(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** See {@linkcode Consumer.settled}. */
  async settled(): Promise<void> {
    await Promise.all(this.#work);
  }

  /**
   * Stops at once: what is in work is lost to its handlers, and goes back to the queue. Resolves when
   * the server has taken the answers given before, or the connection has ended.
   */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#session?.close();
  }

  async #run(): Promise<void> {
    const stop = this.#stop.signal;
    while (!stop.aborted) {
      const model = await Promise.race([this.#options.connection.model(), this.#stopped]);
      if (!model) return;
      await this.#consumeOn(model).catch((error) => this.#reportFault(error));
      await this.#backoff.pause(stop);
    }
  }

  /** Consumes on a new channel until that ends, or the consumer is cancelled. */
  async #consumeOn(model: ChannelModel): Promise<void> {
    const session = this.#session = new AmqpSession(await model.createChannel());
    try {
      while (!this.#stop.signal.aborted && !session.lost.aborted) await this.#subscribe(session);
      if (session.fault) throw session.fault;
      await this.#closeIfIdle(session);
    } catch (error) {
      void session.close();
      throw error;
    }
  }

  /** Subscribes until the server ends it, as when the queue is deleted, or the channel does. */
  async #subscribe(session: AmqpSession): Promise<void> {
    const { exchange, queue, prefetch } = this.#options;
    const { channel, lost } = session;
    await declareQueue(channel, exchange, queue);
    await channel.prefetch(prefetch);
    const cancelled = Promise.withResolvers<void>();
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message) this.#take(session, message);
      else cancelled.resolve();
    });
    this.#subscribed = true;
    this.#reported = "";
    this.#backoff.reset();
    await Promise.race([cancelled.promise, aborted(lost), this.#stopped]);
    this.#subscribed = false;
    if (lost.aborted) return;
    if (this.#stop.signal.aborted) return void await channel.cancel(consumerTag);
    log.warn("RabbitMQ has cancelled the consumer of {queue}: consuming again", { queue });
    await this.#backoff.pause(this.#stop.signal);
  }

  #take(session: AmqpSession, message: ConsumeMessage): void {
    if (this.#stop.signal.aborted) {
      session.reply((channel) => channel.nack(message, false, true));
    } else {
      session.inWork++;
      const work = this.#handle(session, message);
      this.#work.add(work);
      void work.finally(() => this.#work.delete(work));
    }
  }

  async #handle(session: AmqpSession, message: ConsumeMessage): Promise<void> {
    const { queue, handler } = this.#options;
    const { content: body, properties, fields: { redelivered } } = message;
    const disposition = await decide(
      handler,
      { body, headers: properties.headers ?? {}, redelivered, lost: session.lost },
      queue,
    );
    switch (disposition.kind) {
      case "done":
        session.reply((channel) => channel.ack(message));
        break;
      case "requeue":
        session.reply((channel) => channel.nack(message, false, true));
        break;
      case "park":
        await this.#park(session, message, disposition);
    }
    session.inWork--;
    await this.#closeIfIdle(session);
  }

  /** Acks the message once its copy is confirmed. Tries until then, or until it can't be acked. */
  async #park(session: AmqpSession, message: ConsumeMessage, disposition: Park): Promise<void> {
    const { publisher, queue, parkingQueue } = this.#options;
    const backoff = new Backoff(this.#options);
    let copy = parkedCopy(message, queue, disposition, new Date());
    let reported = "";
    while (!session.lost.aborted) {
      try {
        await publisher.publish(parkingQueue, message.content, copy);
        session.reply((channel) => channel.ack(message));
        return;
      } catch (error) {
        const reason = reasonOf(error);
        if (reason !== reported) {
          log.warn("Cannot park in {parkingQueue}: {reason}", { parkingQueue, reason });
        }
        reported = reason;
        if (!(error instanceof PublishError)) {
          copy = parkedCopyWithoutHeaders(message, queue, disposition, new Date());
        }
      }
      await backoff.pause(session.lost);
    }
  }

  /** A cancelled consumer's channel is kept for the answers that are still to come. */
  async #closeIfIdle(session: AmqpSession): Promise<void> {
    if (this.#stop.signal.aborted && session.inWork === 0) await session.close();
  }

  /** Reports each reason once; that the connection is lost has been reported already. */
  #reportFault(error: unknown): void {
    const { connection, queue } = this.#options;
    const reason = reasonOf(error);
    if (this.#stop.signal.aborted || !connection.ready || reason === this.#reported) return;
    this.#reported = reason;
    log.warn("Cannot consume {queue}: {reason}", { queue, reason });
  }
}

/** Resolves when the signal fires. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
