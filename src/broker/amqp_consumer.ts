/**
 * Consuming one queue of RabbitMQ on a channel of its own, which is made again when it ends. What a
 * handler decides is sent on the channel that the message came on, or not at all.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { ChannelModel, ConsumeMessage } from "amqplib";
import type { AmqpConnection } from "./amqp_connection.ts";
import { AmqpAnswers, type AnswerOptions } from "./amqp_answer.ts";
import { undelayed } from "./amqp_copy.ts";
import { declareQueues } from "./amqp_declare.ts";
import { isInExclusiveUse } from "./amqp_claim.ts";
import { AmqpSession } from "./amqp_session.ts";
import { Backoff } from "./backoff.ts";
import { decide } from "./handle.ts";
import { parkUnread } from "./amqp_wire_faults.ts";
import type { Consumer, Disposition, Handler } from "./mod.ts";

const log = getLogger(["turn-channels", "broker"]);

/** What an {@linkcode AmqpConsumer} needs. */
export interface AmqpConsumerOptions extends AnswerOptions {
  /** The connection to consume on. */
  readonly connection: AmqpConnection;
  /** The direct exchange. */
  readonly exchange: string;
  /** Most messages in work. */
  readonly prefetch: number;
  /** The queue that is consumed. */
  readonly queue: string;
  /** The delays that the handler may ask for; the publisher knows their queues. */
  readonly delaysMs?: readonly number[];
  /** Decides about each message. */
  readonly handler: Handler;
}

/** One `basic.consume`. */
interface Subscription {
  /** Whether what it still brings is to go back to the queue. */
  ended: boolean;
}

/** One {@linkcode Broker.consume}. */
export class AmqpConsumer implements Consumer {
  readonly #options: AmqpConsumerOptions;
  readonly #answers: AmqpAnswers;
  readonly #stop = new AbortController();
  readonly #stopped = aborted(this.#stop.signal);
  readonly #backoff: Backoff;
  readonly #running: Promise<void>;
  readonly #work = new Set<Promise<void>>();
  /** Resolves, and is made anew, when anything changes that {@linkcode AmqpConsumer.#until} waits for. */
  #change = Promise.withResolvers<void>();
  #session: AmqpSession | undefined;
  #subscription: Subscription | undefined;
  #paused = false;
  #ready = false;
  #reported = "";

  /** Begins to consume, as soon as there is a connection. */
  constructor(options: AmqpConsumerOptions) {
    this.#options = options;
    this.#answers = new AmqpAnswers(options);
    this.#backoff = new Backoff(options);
    this.#running = this.#run();
  }

  /** Whether messages are coming, or would be if it were not paused. */
  get ready(): boolean {
    return this.#ready;
  }

  /** See {@linkcode Consumer.cancel}. */
  async cancel(): Promise<void> {
    this.#stop.abort();
    this.#endSubscription();
    await this.#running;
  }

  /** See {@linkcode Consumer.pause}. */
  async pause(): Promise<void> {
    this.#paused = true;
    const subscription = this.#endSubscription();
    if (subscription) await this.#until(() => this.#subscription !== subscription);
  }

  /** See {@linkcode Consumer.resume}. */
  resume(): void {
    this.#paused = false;
    this.#notify();
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
    this.#endSubscription();
    await this.#session?.close();
  }

  async #run(): Promise<void> {
    const stop = this.#stop.signal;
    while (!stop.aborted) {
      const model = await Promise.race([this.#options.connection.model(), this.#stopped]);
      if (!model) return;
      await this.#consumeOn(model).then(
        () => this.#ready = false,
        (error) => {
          // Then the messages are being taken, if not by us.
          this.#ready = isInExclusiveUse(error);
          this.#reportFault(error);
        },
      );
      await this.#backoff.pause(stop);
    }
  }

  /** Consumes on a new channel until that ends, or the consumer is cancelled. */
  async #consumeOn(model: ChannelModel): Promise<void> {
    const session = this.#session = new AmqpSession(await model.createChannel());
    session.lost.addEventListener("abort", () => this.#endSubscription());
    try {
      while (!this.#over(session)) await this.#subscribe(model, session);
      if (session.fault) throw session.fault;
      await this.#ifIdle(session);
    } catch (error) {
      void session.close();
      throw error;
    }
  }

  /** Subscribes until it is paused or cancelled, or the server ends it. Waits while it is paused. */
  async #subscribe(model: ChannelModel, session: AmqpSession): Promise<void> {
    const { exchange, queue, prefetch } = this.#options;
    const { channel } = session;
    // Long before it consumes: a quorum queue might still hand out what comes behind.
    if (!this.#paused) session.flush();
    await declareQueues(model, exchange, [[queue, undefined]]);
    await channel.prefetch(prefetch);
    if (this.#over(session)) return;
    if (this.#paused) {
      this.#setReady();
      return await this.#until(() => !this.#paused || this.#over(session));
    }
    if (session.keepsBack) return; // It was paused for a moment.
    const subscription = this.#subscription = { ended: false };
    try {
      await this.#consumeUntilEnded(session, subscription);
    } finally {
      this.#subscription = undefined;
      this.#notify();
    }
    await this.#ifIdle(session);
  }

  async #consumeUntilEnded(session: AmqpSession, subscription: Subscription): Promise<void> {
    const { queue } = this.#options;
    const { channel, lost } = session;
    let cancelled = false;
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message) return this.#take(session, subscription, message);
      // As when the queue is deleted.
      cancelled = true;
      this.#endSubscription();
    });
    this.#setReady();
    await this.#until(() => subscription.ended);
    if (lost.aborted) return;
    if (!cancelled) return void await channel.cancel(consumerTag);
    this.#ready = false;
    log.warn("RabbitMQ has cancelled the consumer of {queue}: consuming again", { queue });
    await this.#backoff.pause(this.#stop.signal);
  }

  #take(session: AmqpSession, { ended }: Subscription, message: ConsumeMessage): void {
    if (ended) return session.putBack(message);
    session.inWork++;
    const work = this.#handle(session, message);
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }

  async #handle(session: AmqpSession, message: ConsumeMessage): Promise<void> {
    const { home, handler } = this.#options;
    const { content: body, fields: { redelivered } } = message;
    const properties = undelayed(message.properties, home);
    const reason = parkUnread(message.properties);
    const disposition: Disposition = reason !== undefined ? { kind: "park", reason } : await decide(
      handler,
      { body, headers: properties.headers ?? {}, redelivered, lost: session.lost },
      home,
      this.#options,
    );
    await this.#answers.answer({ session, message, properties }, disposition);
    session.inWork--;
    await this.#ifIdle(session);
  }

  /**
   * When all is answered that was handed out, what goes back goes, in order; of a consumer that was
   * cancelled by the end of its channel, which was kept for the answers.
   */
  async #ifIdle(session: AmqpSession): Promise<void> {
    if (session.inWork > 0 || this.#subscription) return;
    if (this.#stop.signal.aborted) await session.close();
    else session.flush();
  }

  /** From now on what the subscription brings goes back, also if it is resumed before its end. */
  #endSubscription(): Subscription | undefined {
    if (this.#subscription) this.#subscription.ended = true;
    if (this.#session) this.#session.keepsBack = true;
    this.#notify();
    return this.#subscription;
  }

  #over({ lost }: AmqpSession): boolean {
    return this.#stop.signal.aborted || lost.aborted;
  }

  #setReady(): void {
    this.#ready = true;
    this.#reported = "";
    this.#backoff.reset();
  }

  #notify(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#change.promise;
  }

  /** Reports each reason once; that the connection is lost has been reported already. */
  #reportFault(error: unknown): void {
    const { connection, queue } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    if (this.#stop.signal.aborted || !connection.ready || reason === this.#reported) return;
    this.#reported = reason;
    if (isInExclusiveUse(error)) {
      const text =
        "Another program takes the messages of {queue} alone and moves them to partitions, as its " +
        "configuration has them and ours has not: consuming {queue} when that has ended";
      return log.warn(text, { queue });
    }
    log.warn("Cannot consume {queue}: {reason}", { queue, reason });
  }
}

/** Resolves when the signal fires. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
