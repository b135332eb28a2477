// Consumes one queue on a channel of its own, which is made again when it ends. What a handler decides
// is sent on the channel that the message came on, or not at all. What has to wait stays in hand: only
// an end gives messages back, because a quorum queue counts that.
//
// An end is that of the channel, which puts all back to its place. The subscription is not cancelled
// before: what is on its way to us just then RabbitMQ would put back by itself, and so, in a quorum
// queue, behind or before others. What comes after a stop is left alone, and goes back with the rest.

import type { ChannelModel, ConsumeMessage } from "amqplib";
import { unreadableReason } from "./codec/poison_deliveries.ts";
import type { ConsumeConnection } from "./consume_connections.ts";
import type { AmqpLead } from "./lead.ts";
import { AmqpAnswers, type AnswerOptions } from "./answers.ts";
import { MOST_RETURNS, returnsOf, undelayed } from "./copy_properties.ts";
import { AmqpSession } from "./session.ts";
import { aborted, Backoff, onAbort, sleep } from "../../async/mod.ts";
import { runHandler } from "../handler.ts";
import { log } from "../log.ts";
import type { Consumer, Disposition, Handler } from "../mod.ts";

/** Most messages in hand that can't be copied and make room for others: each costs memory. */
const MOST_STUCK = 1000;

interface AmqpConsumerOptions extends AnswerOptions {
  readonly on: ConsumeConnection;
  /** Consumes only while this leads, if given. */
  readonly lead?: AmqpLead | undefined;
  readonly prefetch: number;
  readonly handler: Handler;
}

/**
 * How long a queue whose consumer was cancelled is left alone: who declares one that is being deleted is
 * answered by RabbitMQ 4.3 with the end of the connection.
 */
const CANCELLED_MS = 500;

/**
 * How long another consumer of the queue is waited for, in milliseconds. It is the one before us, whose
 * messages in hand go back when RabbitMQ has noticed its end, or somebody who stays.
 */
const OTHERS_MS = 10_000;
/** How often to look whether it is gone, in milliseconds. */
const LOOK_EACH_MS = 100;

const AGAIN: Disposition = { kind: "again", headers: {} };

/** Never fires: consumers without a lead need not stop for others. */
const ALWAYS = new AbortController().signal;

type EndReason = "stop" | "lost" | "cancelled";

interface Subscription {
  /** Known when a message has come. */
  tag: string;
  /** Messages that have come by it and are not answered. */
  inHand: number;
  /** How many messages of others could not be copied when it began: these take no room of it. */
  readonly stuckBefore: number;
}

/** Consumes one queue until it is cancelled; see {@linkcode Subscriber.consume}. */
export class AmqpConsumer implements Consumer {
  /** Whether messages are coming, or would be if this program led. */
  ready = false;
  readonly #options: AmqpConsumerOptions;
  readonly #answers: AmqpAnswers;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<void>;
  readonly #backoff: Backoff;
  readonly #running: Promise<void>;
  readonly #work = new Set<Promise<void>>();
  #session: AmqpSession | undefined;
  #end: ((reason: EndReason) => void) | undefined;
  #subscription: Subscription | undefined;
  /** Messages in hand that can't be copied. */
  #stuck = 0;

  constructor(options: AmqpConsumerOptions) {
    this.#options = options;
    this.#answers = new AmqpAnswers(options);
    this.#backoff = new Backoff(options);
    this.#stopped = aborted(this.#stop.signal);
    this.#running = this.#run();
  }

  async cancel(): Promise<void> {
    this.#stop.abort();
    this.#end?.("stop");
    await this.#running;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#work);
  }

  /**
   * Stops at once: what is in work is lost to its handlers, and goes back to the queue. Resolves when
   * the server has taken the answers given before, or the connection has ended.
   */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#end?.("stop");
    await this.#session?.close();
  }

  async #run(): Promise<void> {
    const { on: { connection }, queue, faults, lead } = this.#options;
    const stop = this.#stop.signal;
    while (!stop.aborted) {
      const model = await Promise.race([connection.model(), this.#stopped]);
      if (!model) return;
      this.ready = lead?.leads === false;
      // While another program leads, whatever there was is not our fault.
      if (this.ready) faults.forget(queue, "consume");
      const term = await Promise.race([lead?.term() ?? ALWAYS, this.#stopped]);
      if (!term) return;
      if (connection.current !== model) continue;
      try {
        await this.#consumeOn(model, term);
      } catch (error) {
        // That the connection is lost has been reported already.
        const isOver = stop.aborted || term.aborted;
        if (!isOver && connection.ready) faults.report(queue, "consume", error);
      }
      this.ready = false;
      await this.#backoff.pause(stop);
    }
  }

  /** Consumes on a new channel until that or its term ends, or the consumer is cancelled. */
  async #consumeOn(model: ChannelModel, term: AbortSignal): Promise<void> {
    const { on, queue, faults, lead } = this.#options;
    await faults.whileSlow(queue, "consume", on.declarer?.queue(queue));
    const session = this.#session = new AmqpSession(await model.createChannel());
    this.#stuck = 0;
    const unlisten = onAbort(term, () => void session.close());
    onAbort(session.lost, () => {
      unlisten();
      this.#end?.("lost");
    });
    try {
      await session.channel.prefetch(this.#options.prefetch);
      if (lead !== undefined) await this.#untilAlone(session);
      if (!this.#stop.signal.aborted && !session.lost.aborted) await this.#consume(session);
      if (session.fault) throw session.fault;
      await this.#closeIfDone(session);
    } catch (error) {
      void session.close();
      throw error;
    }
  }

  /** Waits until nobody else consumes the queue: then all that was in hand there is back in its place. */
  async #untilAlone(session: AmqpSession): Promise<void> {
    const { queue } = this.#options;
    const until = performance.now() + OTHERS_MS;
    while (!this.#stop.signal.aborted && !session.lost.aborted) {
      const { consumerCount } = await session.orLost(session.channel.checkQueue(queue));
      if (consumerCount === 0) return;
      if (performance.now() >= until) {
        const text =
          "{queue} has another consumer, which takes messages too or has ended unnoticed: " +
          "they may come out of order";
        return log.warn(text, { queue });
      }
      await sleep(LOOK_EACH_MS, session.lost);
    }
  }

  /** Consumes until the channel ends, or there is a stop. */
  async #consume(session: AmqpSession): Promise<void> {
    const { queue, faults } = this.#options;
    const { promise: ended, resolve: end } = Promise.withResolvers<EndReason>();
    this.#end = end;
    await this.#subscribe(session);
    this.ready = true;
    this.#backoff.reset();
    faults.clear(queue, "consume");
    if (this.#stop.signal.aborted) end("stop");
    const reason = await ended;
    if (reason === "cancelled") {
      this.ready = false;
      log.warn("RabbitMQ no longer delivers from {queue}, declaring it again", { queue });
      // RabbitMQ 4.3 may have taken back what is in hand, and keeps the channel open.
      await session.close();
      await sleep(CANCELLED_MS, this.#stop.signal);
    }
  }

  async #subscribe(session: AmqpSession): Promise<void> {
    const subscription = { tag: "", inHand: 0, stuckBefore: this.#stuck };
    this.#subscription = subscription;
    await session.channel.consume(this.#options.queue, (message) => {
      if (message) this.#take(session, subscription, message);
      else this.#end?.("cancelled"); // As when the queue is deleted.
    });
  }

  /**
   * Makes room for others, if messages that can't be parked or delayed take half of it. Not before all
   * of it is taken: then nothing is on its way to us, which a quorum queue would put to its end.
   */
  #renewIfDue(session: AmqpSession): void {
    const { prefetch } = this.#options;
    const subscription = this.#subscription;
    if (session !== this.#session || subscription === undefined) return;
    const { tag, inHand, stuckBefore } = subscription;
    const isHalf = 2 * (this.#stuck - stuckBefore) >= prefetch;
    if (inHand < prefetch || !isHalf || this.#stuck > MOST_STUCK) return;
    this.#subscription = undefined;
    void this.#renew(session, tag);
  }

  async #renew(session: AmqpSession, tag: string): Promise<void> {
    try {
      // At once: an ack before it would bring another message.
      await session.channel.cancel(tag);
      await this.#subscribe(session);
    } catch {
      void session.close(); // It has ended, or is of no use.
    }
  }

  #take(session: AmqpSession, subscription: Subscription, message: ConsumeMessage): void {
    // It goes back with the channel.
    if (this.#stop.signal.aborted) return;
    session.inWork++;
    subscription.tag = message.fields.consumerTag;
    subscription.inHand++;
    const work = this.#handle(session, subscription, message);
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
    this.#renewIfDue(session);
  }

  async #handle(
    session: AmqpSession,
    subscription: Subscription,
    message: ConsumeMessage,
  ): Promise<void> {
    const { queue, handler } = this.#options;
    const { content: body, fields: { redelivered } } = message;
    const properties = undelayed(message.properties, queue);
    const headers = properties.headers ?? {};
    const returns = returnsOf(message.properties);
    const { lost } = session;
    const unreadable = unreadableReason(message.properties);
    if (unreadable !== undefined) this.#options.onParked?.(true);
    const toHandle = { body, headers, redelivered, returns, lost };
    const disposition: Disposition = unreadable === undefined
      ? await runHandler(handler, toHandle, queue, this.#options)
      : { kind: "park", reason: unreadable };
    // It goes back with the channel, and with all the others in their order.
    if (disposition.kind !== "requeue" || !this.#stop.signal.aborted) {
      const onAnswer = (): void => void subscription.inHand--;
      const onStuck = (isStuck: boolean): void => this.#onStuck(session, isStuck);
      // Its parking queue may refuse it for longer than RabbitMQ keeps it. Not what ends connections:
      // its copy would do so again.
      const isNearEnd = unreadable === undefined && returns >= MOST_RETURNS;
      const orPark = disposition.kind === "park" && isNearEnd ? disposition : undefined;
      const toAnswer = { session, message, properties, onAnswer, onStuck, orPark };
      await this.#answers.answer(toAnswer, orPark ? AGAIN : disposition);
    }
    session.inWork--;
    await this.#closeIfDone(session);
  }

  #onStuck(session: AmqpSession, isStuck: boolean): void {
    if (session !== this.#session) return;
    this.#stuck += isStuck ? 1 : -1;
    this.#renewIfDue(session);
  }

  /** Closes the channel when all is answered that was handed out before a stop. */
  async #closeIfDone(session: AmqpSession): Promise<void> {
    if (this.#stop.signal.aborted && session.inWork === 0) await session.close();
  }
}
