/**
 * Consuming one queue of RabbitMQ on a channel of its own, which is made again when it ends. What a
 * handler decides is sent on the channel that the message came on, or not at all.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Channel, ChannelModel, ConsumeMessage } from "amqplib";
import type { AmqpConnection } from "./amqp_connection.ts";
import { parkedCopy, parkedCopyWithoutHeaders } from "./amqp_parking.ts";
import { type AmqpPublisher, declareQueue } from "./amqp_publisher.ts";
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

/** A channel, and the messages in work that came on it. */
class Session {
  readonly channel: Channel;
  readonly #lost = new AbortController();
  inWork = 0;

  constructor(channel: Channel) {
    this.channel = channel;
    // The call that it is about rejects as well; but without a listener the connection would end.
    channel.on("error", (error) => log.debug("Channel closed: {reason}", { reason: error.message }));
    channel.on("close", () => this.#lost.abort());
  }

  /** Fires when nothing can be answered any more. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Closes the channel: RabbitMQ puts what is not answered back. */
  close(): void {
    if (this.lost.aborted) return;
    this.#lost.abort();
    // It rejects when the connection ends first, which does the same.
    this.channel.close().catch(() => {});
  }
}

/** One {@linkcode Broker.consume}. */
export class AmqpConsumer implements Consumer {
  readonly #options: AmqpConsumerOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #session: Session | undefined;
  #subscribed = false;
  #reported = "";

  /** Begins to consume, as soon as there is a connection. */
  constructor(options: AmqpConsumerOptions) {
    this.#options = options;
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

  /** Stops at once: what is in work is lost to its handlers, and goes back to the queue. */
  close(): void {
    this.#stop.abort();
    this.#session?.close();
  }

  async #run(): Promise<void> {
    const stop = this.#stop.signal;
    const stopped = aborted(stop);
    const backoff = new Backoff(this.#options);
    while (!stop.aborted) {
      const model = await Promise.race([this.#options.connection.model(), stopped]);
      if (!model) return;
      await this.#consumeOn(model, backoff).catch((error) => this.#report(error));
      await backoff.pause(stop);
    }
  }

  /** Consumes on a new channel until it ends, or the consumer is cancelled. */
  async #consumeOn(model: ChannelModel, backoff: Backoff): Promise<void> {
    const stop = this.#stop.signal;
    const session = this.#session = new Session(await model.createChannel());
    try {
      while (!stop.aborted && !session.lost.aborted) {
        await this.#subscribe(session, backoff);
      }
    } catch (error) {
      session.close();
      throw error;
    } finally {
      this.#closeIfIdle(session);
    }
  }
}
