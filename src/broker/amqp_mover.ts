/**
 * Moving messages from one queue of RabbitMQ to others, one program at a time.
 *
 * They are published on the channel that they are consumed on. So when a mover ends, however it does,
 * the server has put all that it still takes of it into the targets before the rest goes back to the
 * queue and to the next mover. For that it needs a connection of its own: one that publishes stands
 * still when the server blocks publishing, with all its acks.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import type { ChannelModel, ConfirmChannel, ConsumeMessage, Message } from "amqplib";
import { isInExclusiveUse, isLocked, lock } from "./amqp_claim.ts";
import type { AmqpConnection } from "./amqp_connection.ts";
import { aborted } from "./amqp_consumer.ts";
import { movedCopy } from "./amqp_copy.ts";
import { declareQueues } from "./amqp_declare.ts";
import { AmqpSession, orLost } from "./amqp_session.ts";
import { shortened } from "./handle.ts";
import type { MoveOptions, Mover } from "./mod.ts";

const log = getLogger(["turn-channels", "broker"]);

/** Most messages on their way; enough that the server's confirms are not waited for. */
const PREFETCH = 200;
/** How long one that is not the mover waits until it looks again, in milliseconds. */
const AGAIN_MS = 1_000;
/** How long stopping waits for a server that blocks publishing or is silent, in milliseconds. */
const STOP_TIMEOUT_MS = 2_000;

/** What an {@linkcode AmqpMover} needs. */
export interface AmqpMoverOptions extends MoveOptions {
  /** The connection to move on. */
  readonly connection: AmqpConnection;
  /** The direct exchange. */
  readonly exchange: string;
  /** The queue that is emptied. */
  readonly queue: string;
}

/** A message on its way. */
interface OnTheWay {
  readonly message: ConsumeMessage;
  confirmed: boolean;
}

/** A channel that is moved on. */
interface Round {
  readonly channel: ConfirmChannel;
  readonly session: AmqpSession;
  /** In the order of the queue. */
  readonly onTheWay: OnTheWay[];
  /** Is called when nothing is on its way any more. */
  onIdle: () => void;
}

/** One {@linkcode Broker.move}. */
export class AmqpMover implements Mover {
  readonly #options: AmqpMoverOptions;
  readonly #stop = new AbortController();
  readonly #stopped = aborted(this.#stop.signal);
  readonly #running: Promise<void>;
  /** Whether the one that consumes the queue is a mover, too. */
  #othersMove = false;
  #reported = "";

  /** Begins, as soon as there is a connection and nobody else moves. */
  constructor(options: AmqpMoverOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** See {@linkcode Mover.stop}. */
  async stop(): Promise<void> {
    this.#stop.abort();
    const stopped = new AbortController();
    const late = delay(STOP_TIMEOUT_MS, undefined, stopped).catch(() => {});
    await Promise.race([this.#running, late]);
    stopped.abort();
  }

  async #run(): Promise<void> {
    const { connection } = this.#options;
    while (!this.#stop.signal.aborted) {
      const model = await Promise.race([connection.model(), this.#stopped]);
      if (!model) return;
      await this.#session(model).catch((error) => {
        // Somebody else has it; the session may have ended before that was answered.
        if (isLocked(error)) this.#othersMove = true;
        else this.#reportFault(error);
      });
      await this.#pause();
    }
  }

  async #session(model: ChannelModel): Promise<void> {
    const channel = await model.createConfirmChannel();
    const session = new AmqpSession(channel);
    try {
      const round = { channel, session, onTheWay: [], onIdle: () => {} };
      if (await orLost(session, this.#waitForTurn(model, session))) await this.#move(model, round);
      if (session.fault) throw session.fault;
    } finally {
      await session.close();
    }
  }

  /** Answers whether we are the mover now. */
  async #waitForTurn(model: ChannelModel, session: AmqpSession): Promise<boolean> {
    const { exchange, queue } = this.#options;
    await declareQueues(model, exchange, [[queue, undefined]]);
    const isConsumed = async (): Promise<boolean> =>
      (await session.channel.checkQueue(queue)).consumerCount > 0;
    // As a refused lock ends the channel, and is an error in the server's log.
    if (this.#othersMove && await isConsumed()) return false;
    this.#othersMove = !await lock(session, queue);
    if (this.#othersMove) return false;
    for (let isFirst = true; await isConsumed(); isFirst = false) {
      if (isFirst) {
        const text =
          "Another program consumes {queue}, as its configuration has no partitions and ours has: " +
          "moving messages to them when that has ended";
        log.warn(text, { queue });
      }
      await this.#pause();
      if (this.#stop.signal.aborted || session.lost.aborted) return false;
    }
    return true;
  }

  async #move(model: ChannelModel, round: Round): Promise<void> {
    const { exchange, queue, targets } = this.#options;
    const { channel, session } = round;
    await declareQueues(model, exchange, targets.map((target) => [target, undefined] as const));
    // It comes before its confirm; all that is not acked by then is moved again.
    channel.on("return", ({ fields: { routingKey } }: Message) => {
      this.#giveUp(session, `no queue took what was for ${routingKey}`);
    });
    await channel.prefetch(PREFETCH);
    const { consumerTag } = await orLost(
      session,
      channel.consume(queue, (message) => {
        if (message !== null) return this.#take(round, message);
        this.#giveUp(session, "RabbitMQ has cancelled the consumer");
      }, { exclusive: true }),
    );
    log.info("Moving the messages of {queue} to partitions", { queue, partitions: targets.length });
    this.#reported = "";
    const ended = aborted(session.lost);
    await Promise.race([ended, this.#stopped]);
    if (session.lost.aborted) return;
    await orLost(session, channel.cancel(consumerTag));
    if (round.onTheWay.length === 0) return;
    await Promise.race([ended, new Promise<void>((resolve) => round.onIdle = resolve)]);
  }

  #take(round: Round, message: ConsumeMessage): void {
    const { session, onTheWay } = round;
    const { content: body, fields: { redelivered }, properties } = message;
    const { to, headers = {} } = this.#options.route({
      body,
      headers: properties.headers ?? {},
      redelivered,
    });
    const moved: OnTheWay = { message, confirmed: false };
    const onConfirm = (error: unknown): void => {
      if (error) return this.#giveUp(session, `${to} did not take one: ${error}`);
      moved.confirmed = true;
      this.#ack(round);
    };
    onTheWay.push(moved);
    try {
      const added = shortened(headers);
      const copy = movedCopy(properties, added);
      round.channel.publish(this.#options.exchange, to, message.content, copy, onConfirm);
    } catch (error) {
      this.#giveUp(session, String(error));
    }
  }

  /** All at once that is confirmed, up to the first that is not. */
  #ack(round: Round): void {
    const { session, onTheWay } = round;
    const index = onTheWay.findIndex(({ confirmed }) => !confirmed);
    const count = index < 0 ? onTheWay.length : index;
    const [last] = onTheWay.splice(0, count).slice(-1);
    if (last) session.reply((channel) => channel.ack(last.message, true));
    if (onTheWay.length === 0) round.onIdle();
  }

  #giveUp(session: AmqpSession, reason: string): void {
    if (!session.lost.aborted) session.fault ??= new Error(reason);
    void session.close();
  }

  async #pause(): Promise<void> {
    // It rejects when we are stopped. Not all at the same moment.
    const ms = AGAIN_MS * (0.5 + Math.random() / 2);
    await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => {});
  }

  /** Reports each reason once; that the connection is lost has been reported already. */
  #reportFault(error: unknown): void {
    const { connection, queue } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    // Somebody was faster; the next look tells who.
    if (isInExclusiveUse(error) || this.#stop.signal.aborted || !connection.ready) return;
    if (reason === this.#reported) return;
    this.#reported = reason;
    log.warn("Cannot move messages of {queue}: {reason}", { queue, reason });
  }
}
