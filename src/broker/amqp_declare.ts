/**
 * Declaring what is missing. What is there is taken as an operator made it: a quorum queue, one with
 * limits or a policy, an exchange with an alternate. To declare it again with other arguments
 * RabbitMQ would refuse; so it is looked for first, which also needs no right to configure it.
 *
 * @module
 */

import type { Channel, ChannelModel, Options } from "amqplib";
import { bindQueue, declareExchange, isThere, type OnChannel } from "./amqp_exchange.ts";

/** What sets a queue apart: that its messages move on after a while. None for vumi's queues. */
export type QueueArguments = Pick<
  Options.AssertQueue,
  "messageTtl" | "deadLetterExchange" | "deadLetterRoutingKey"
>;

/** Those of a queue whose messages go back to `queue` when they have waited for `delayMs`. */
export function delayArguments(exchange: string, queue: string, delayMs: number): QueueArguments {
  return {
    messageTtl: delayMs,
    deadLetterExchange: exchange,
    deadLetterRoutingKey: queue,
  };
}

/** Sees to it that things are there, on channels of its own. Close it when all is done. */
export class Declarer {
  readonly #model: ChannelModel;
  #channel: Channel | undefined;
  /** The end of that channel. */
  #ended: Promise<void> = Promise.resolve();

  /** Makes it; channels are made when they are needed. */
  constructor(model: ChannelModel) {
    this.#model = model;
  }

  /** See {@linkcode declareExchange}. */
  exchange(name: string): Promise<void> {
    return declareExchange(this.#on, name);
  }

  /**
   * Sees to it that there is a queue, durable and bound to the exchange by its name. One that is to
   * have arguments is ours, and has to have them. Answers what {@linkcode bindQueue} does.
   */
  async queue(
    exchange: string,
    name: string,
    args: QueueArguments = {},
  ): ReturnType<typeof bindQueue> {
    const isOurs = Object.keys(args).length > 0;
    if (isOurs || !await isThere(this.#on, (channel) => channel.checkQueue(name))) {
      await this.#on((channel) => channel.assertQueue(name, { durable: true, ...args }));
    }
    return await bindQueue(this.#on, exchange, name);
  }

  /** Ends it. */
  async close(): Promise<void> {
    // It never settles when the connection ends first, but then the channel ends too.
    this.#channel?.close().catch(() => {});
    await this.#ended;
  }

  /** A fault ends the channel, so the next work needs another. */
  readonly #on: OnChannel = async (work) => {
    const channel = await this.#open();
    try {
      return await work(channel);
    } catch (error) {
      this.#channel = undefined;
      this.#ended = Promise.resolve();
      throw error;
    }
  };

  async #open(): Promise<Channel> {
    if (this.#channel) return this.#channel;
    const channel = this.#channel = await this.#model.createChannel();
    // The call that it is about rejects as well; but without a listener the connection would end.
    channel.on("error", () => {});
    this.#ended = new Promise((resolve) => channel.on("close", () => resolve()));
    return channel;
  }
}

/** Sees to it that the queues are there, with their exchange. Answers those that we may not bind. */
export async function declareQueues(
  model: ChannelModel,
  exchange: string,
  queues: Iterable<readonly [name: string, args: QueueArguments | undefined]>,
): Promise<readonly string[]> {
  const declarer = new Declarer(model);
  await declarer.exchange(exchange);
  const unbound: string[] = [];
  for (const [name, args] of queues) {
    if (await declarer.queue(exchange, name, args) !== "bound") unbound.push(name);
  }
  await declarer.close();
  return unbound;
}
