/**
 * Declaring what is missing on one connection. What is there is taken as an operator made it: a quorum
 * queue, one with limits or a policy, an exchange with an alternate. To declare it again with other
 * arguments RabbitMQ would refuse; so it is looked for first, which also needs no right to configure
 * it.
 *
 * @module
 */

import type { Channel, ChannelModel } from "amqplib";
import { bindQueue, declareExchange, isThere } from "./amqp_exchange.ts";
import { codeOf, NOT_FOUND } from "./amqp_session.ts";
import { delayQueue } from "./mod.ts";

/** The arguments of a queue. */
export type QueueArguments = Readonly<Record<string, unknown>>;

/** The types of queue that can be asked for. */
export type QueueType = "classic" | "quorum";

/** How many declare side by side: with a thousand channels the server's answers are waited for. */
const SIDE_BY_SIDE = 8;

const PRECONDITION_FAILED = 406;

/** Declares on channels of its own, which end with the connection. */
export class Declarer {
  readonly #model: ChannelModel;
  readonly #queueType: QueueType | undefined;
  readonly #idle: Channel[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  /** Opens nothing yet. `queueType` is that of queues of our own; the virtual host's, if not given. */
  constructor(model: ChannelModel, queueType?: QueueType) {
    this.#model = model;
    this.#queueType = queueType;
  }

  /** See {@linkcode declareExchange}. */
  exchange(name: string): Promise<void> {
    return declareExchange(this.#on, name);
  }

  /** Sees to it that there is a durable queue, bound to the exchange; answers as {@linkcode bindQueue}. */
  async queue(exchange: string, name: string): ReturnType<typeof bindQueue> {
    if (!await isThere(this.#on, (channel) => channel.checkQueue(name))) {
      await this.#on((channel) => channel.assertQueue(name, { durable: true }));
    }
    return await bindQueue(this.#on, exchange, name);
  }

  /** Sees to it that a queue is bound, which is there as far as we know. */
  async bind(exchange: string, name: string): Promise<void> {
    try {
      await bindQueue(this.#on, exchange, name);
    } catch (error) {
      if (codeOf(error) !== NOT_FOUND) throw error;
      await this.queue(exchange, name);
    }
  }

  /**
   * Sees to it that there is a durable queue of ours, which needs no binding; with the first of `args`
   * that RabbitMQ takes.
   */
  async ownQueue(name: string, args: readonly QueueArguments[] = [{}]): Promise<void> {
    if (await isThere(this.#on, (channel) => channel.checkQueue(name))) return;
    await this.#assertFirst(name, args.map((own) => ({ ...own, ...typed(this.#queueType) })));
  }

  /**
   * Sees to it that messages can wait for `delayMs`: published to the exchange {@linkcode delayQueue}
   * they lie in the queue of that name, and go back to the queue that their routing key names.
   */
  async delay(delayMs: number): Promise<void> {
    const name = delayQueue(delayMs);
    await this.#delayQueue(name, delayMs);
    await this.#on(async (channel) => {
      await channel.assertExchange(name, "fanout", { durable: true });
      await channel.bindQueue(name, name, "");
    });
  }

  /**
   * A quorum queue keeps a message whose queue refuses it back, if asked to; a classic one can't, and
   * is not declared when asked. One that is there may be of either type.
   */
  async #delayQueue(name: string, delayMs: number): Promise<void> {
    const waits = {
      "x-message-ttl": delayMs,
      "x-dead-letter-exchange": "",
    };
    const keeps = { "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish" };
    const wanted: QueueArguments[] = this.#queueType === undefined
      ? [{ ...waits, ...keeps }, waits]
      : [{
        ...waits,
        ...typed(this.#queueType),
        ...(this.#queueType === "quorum" ? keeps : {}),
      }];
    const there = [
      { ...waits, ...keeps, ...typed("quorum") },
      { ...waits, ...typed("quorum") },
      { ...waits, ...typed("classic") },
    ];
    await this.#assertFirst(name, [...wanted, ...there]);
  }

  /** With the first of them that RabbitMQ takes, or finds the queue to have. */
  async #assertFirst(name: string, candidates: readonly QueueArguments[]): Promise<void> {
    let fault: unknown;
    for (const args of candidates) {
      try {
        return void await this.#on((channel) =>
          channel.assertQueue(name, { durable: true, arguments: args })
        );
      } catch (error) {
        if (codeOf(error) !== PRECONDITION_FAILED) throw error;
        fault ??= error;
      }
    }
    throw fault;
  }

  /** Does something on a channel, which a fault ends. */
  readonly #on = async (work: (channel: Channel) => Promise<unknown>): Promise<void> => {
    if (this.#busy >= SIDE_BY_SIDE) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#busy++;
    try {
      const channel = this.#idle.pop() ?? await this.#open();
      await untilEnded(channel, work(channel));
      this.#idle.push(channel);
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy--;
    }
  };

  async #open(): Promise<Channel> {
    const channel = await this.#model.createChannel();
    // The call that it is about rejects as well; but without a listener the connection would end.
    channel.on("error", () => {});
    return channel;
  }
}

function typed(type: QueueType | undefined): Record<string, unknown> {
  return type === undefined ? {} : { "x-queue-type": type };
}

/** Rejects also when the connection ends meanwhile, of which amqplib may never tell. */
async function untilEnded(channel: Channel, work: Promise<unknown>): Promise<void> {
  const ended = Promise.withResolvers<never>();
  let fault = new Error("the channel has ended");
  const onError = (error: Error): void => void (fault = error);
  const onClose = (): void => ended.reject(fault);
  channel.on("error", onError);
  channel.once("close", onClose);
  try {
    await Promise.race([work, ended.promise]);
  } finally {
    channel.off("error", onError);
    channel.off("close", onClose);
  }
}
