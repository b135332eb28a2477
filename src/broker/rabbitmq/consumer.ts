// Consumes one queue on a channel of its own, which is made again when it ends. What a handler decides
// is sent on the channel that the message came on, or not at all. What has to wait stays in hand: only
// an end gives messages back, because a quorum queue counts that.

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

const AGAIN: Disposition = { kind: "again", headers: {} };

/** Never fires: consumers without a lead need not stop for others. */
const ALWAYS = new AbortController().signal;

type EndReason = "stop" | "lost" | "cancelled" | "renew";

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
  /** Messages in hand that can't be copied, and how many of them the subscription leaves room for. */
  #stuck = 0;
  #stuckAtStart = 0;

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
    const { on, queue, faults } = this.#options;
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
      while (!this.#stop.signal.aborted && !session.lost.aborted) await this.#subscribe(session);
      if (session.fault) throw session.fault;
    } catch (error) {
      void session.close();
      throw error;
    }
  }

  /** Subscribes until it is cancelled, or has to be renewed. */
  async #subscribe(session: AmqpSession): Promise<void> {
    const { queue, faults } = this.#options;
    const { channel } = session;
    const { promise: ended, resolve: end } = Promise.withResolvers<EndReason>();
    this.#end = end;
    this.#stuckAtStart = this.#stuck;
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message) this.#take(session, message);
      else end("cancelled"); // As when the queue is deleted.
    });
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
    } else if (reason !== "lost") await channel.cancel(consumerTag);
    if (reason === "stop") await this.#closeIfDone(session);
  }

  #take(session: AmqpSession, message: ConsumeMessage): void {
    // It goes back with the channel.
    if (this.#stop.signal.aborted) return;
    session.inWork++;
    const work = this.#handle(session, message);
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }

  async #handle(session: AmqpSession, message: ConsumeMessage): Promise<void> {
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
      const onStuck = (isStuck: boolean): void => this.#onStuck(session, isStuck);
      // Its parking queue may refuse it for longer than RabbitMQ keeps it. Not what ends connections:
      // its copy would do so again.
      const isNearEnd = unreadable === undefined && returns >= MOST_RETURNS;
      const orPark = disposition.kind === "park" && isNearEnd ? disposition : undefined;
      const toAnswer = { session, message, properties, onStuck, orPark };
      await this.#answers.answer(toAnswer, orPark ? AGAIN : disposition);
    }
    session.inWork--;
    await this.#closeIfDone(session);
  }

  /** Makes room for others: messages that can't be parked or delayed take none of theirs. */
  #onStuck(session: AmqpSession, isStuck: boolean): void {
    if (session !== this.#session) return;
    this.#stuck += isStuck ? 1 : -1;
    const isHalf = 2 * (this.#stuck - this.#stuckAtStart) >= this.#options.prefetch;
    if (isHalf && this.#stuck <= MOST_STUCK) this.#end?.("renew");
  }

  /** Closes the channel when all is answered that was handed out before a stop. */
  async #closeIfDone(session: AmqpSession): Promise<void> {
    if (this.#stop.signal.aborted && session.inWork === 0) await session.close();
  }
}
