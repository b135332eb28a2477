/**
 * Declaring what is missing. What is there is taken as an operator made it: a quorum queue, one with
 * limits or a policy, an exchange with an alternate. To declare it again with other arguments
 * RabbitMQ would refuse; so it is looked for first, which also needs no right to configure it.
 *
 * @module
 */

import type { Channel, ChannelModel, Options } from "amqplib";

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

/** AMQP's reply for what is not there; it closes the channel. */
const NOT_FOUND = 404;

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

  /** Sees to it that there is an exchange: a durable direct one, as vumi's workers have it. */
  async exchange(name: string): Promise<void> {
    if (await this.#isThere((channel) => channel.checkExchange(name))) return;
    const channel = await this.#open();
    await channel.assertExchange(name, "direct", { durable: true });
  }

  /**
   * Sees to it that there is a queue, durable and bound to the exchange by its name. One that is to
   * have arguments is ours, and has to have them.
   */
  async queue(exchange: string, name: string, args: QueueArguments = {}): Promise<void> {
    const isOurs = Object.keys(args).length > 0;
    if (isOurs || !await this.#isThere((channel) => channel.checkQueue(name))) {
      await (await this.#open()).assertQueue(name, { durable: true, ...args });
    }
    await (await this.#open()).bindQueue(name, exchange, name);
  }

  /** Ends it. */
  async close(): Promise<void> {
    // It never settles when the connection ends first, but then the channel ends too.
    this.#channel?.close().catch(() => {});
    await this.#ended;
  }

  /** A fault ends the channel, so the next look needs another. */
  async #isThere(look: (channel: Channel) => Promise<unknown>): Promise<boolean> {
    const channel = await this.#open();
    try {
      await look(channel);
      return true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#channel = undefined;
      this.#ended = Promise.resolve();
      return false;
    }
  }

  async #open(): Promise<Channel> {
    if (this.#channel) return this.#channel;
    const channel = this.#channel = await this.#model.createChannel();
    // The call that it is about rejects as well; but without a listener the connection would end.
    channel.on("error", () => {});
    this.#ended = new Promise((resolve) => channel.on("close", () => resolve()));
    return channel;
  }
}

/** Sees to it that the queues are there, with their exchange. */
export async function declareQueues(
  model: ChannelModel,
  exchange: string,
  queues: Iterable<readonly [name: string, args: QueueArguments | undefined]>,
): Promise<void> {
  const declarer = new Declarer(model);
  await declarer.exchange(exchange);
  for (const [name, args] of queues) await declarer.queue(exchange, name, args);
  await declarer.close();
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === NOT_FOUND;
}
