/**
 * Declaring what is missing on one connection. What is there is taken as an operator made it: a quorum
 * queue, one with limits or a policy, an exchange with an alternate. To declare it again with other
 * arguments RabbitMQ would refuse; so it is looked for first, which also needs no right to configure
 * it. The one exception is an exchange of another type: a fanout one would bring users copies of our
 * own messages as theirs.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Channel, ChannelModel } from "amqplib";
import {
  ACCESS_REFUSED,
  codeOf,
  messageOf,
  NOT_FOUND,
  PRECONDITION_FAILED,
} from "./server_errors.ts";
import { delayQueue } from "../mod.ts";

const log = getLogger(["turn-channels", "broker"]);

/** The arguments of a queue. */
export type QueueArguments = Readonly<Record<string, unknown>>;

/** The types of queue that can be asked for. */
export type QueueType = "classic" | "quorum";

/** How many declare side by side: with a thousand channels the server's answers are waited for. */
const SIDE_BY_SIDE = 8;

/** Whether a queue is bound; without the right to bind it, it is taken to be. */
export type Binding = "bound" | "taken as bound";

/** The exchange is of another type than vumi's; the message says what to do. */
export class ExchangeTypeError extends Error {
  override readonly name = "ExchangeTypeError";
}

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

  /**
   * Sees to it that there is an exchange: a durable direct one, as vumi's workers have it. One that is
   * there with other arguments, or that we have no right to declare, will do.
   *
   * @throws {ExchangeTypeError} If there is one of another type: AMQP tells its type to nobody but
   * those who declare it as of another.
   */
  async exchange(name: string): Promise<void> {
    try {
      await this.#on((channel) => channel.assertExchange(name, "direct", { durable: true }));
    } catch (error) {
      const type = otherType(error);
      if (type !== undefined) {
        const text = `exchange ${name} is of type ${type}; vumi's is direct: delete it ` +
          `(rabbitmqadmin delete exchange name=${name}), and it is made anew, or use another vhost`;
        throw new ExchangeTypeError(text, { cause: error });
      }
      if (codeOf(error) === PRECONDITION_FAILED) return;
      if (!isAccessRefused(error)) throw error;
      // What is refused may be to make one, or to have another look at one that is there.
      await this.#on((channel) => channel.checkExchange(name)).catch(() => Promise.reject(error));
    }
  }

  /** Sees to it that there is a durable queue, bound to the exchange. */
  async queue(exchange: string, name: string): Promise<Binding> {
    if (!await this.#isThere(name)) {
      await this.#on((channel) => channel.assertQueue(name, { durable: true }));
    }
    return await this.#bind(exchange, name);
  }

  /** Sees to it that a queue is bound, which is there as far as we know. */
  async bind(exchange: string, name: string): Promise<void> {
    try {
      await this.#bind(exchange, name);
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
    if (await this.#isThere(name)) return;
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

  /**
   * Whether there is such a queue. That it is there is also what is taken of one that we may not look
   * at, as from RabbitMQ 4 on without any right to it: if it is not, publishing will tell.
   */
  async #isThere(queue: string): Promise<boolean> {
    try {
      await this.#on((channel) => channel.checkQueue(queue));
      return true;
    } catch (error) {
      if (isAccessRefused(error)) return true;
      if (codeOf(error) !== NOT_FOUND) throw error;
      return false;
    }
  }

  /**
   * Binds a queue to the exchange by its name. Without the right to do so it counts as bound, which is
   * logged once: if it is not, publishing will tell.
   */
  async #bind(exchange: string, queue: string): Promise<Binding> {
    try {
      await this.#on((channel) => channel.bindQueue(queue, exchange, queue));
      return "bound";
    } catch (error) {
      if (!isAccessRefused(error)) throw error;
      warnUnbound(exchange, queue, messageOf(error));
      return "taken as bound";
    }
  }

  /** Does something on a channel, which a fault ends. */
  async #on(work: (channel: Channel) => Promise<unknown>): Promise<void> {
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
  }

  async #open(): Promise<Channel> {
    const channel = await this.#model.createChannel();
    // The call that it is about rejects as well; but without a listener the connection would end.
    channel.on("error", () => {});
    return channel;
  }
}

/** Whether the server says that we have no right to something. */
export function isAccessRefused(error: unknown): boolean {
  return codeOf(error) === ACCESS_REFUSED;
}

function otherType(error: unknown): string | undefined {
  if (codeOf(error) !== PRECONDITION_FAILED || !(error instanceof Error)) return undefined;
  return /inequivalent arg 'type' .* but current is '?([^'"\s]+)/.exec(error.message)?.[1];
}

/** Bindings of which it was logged that they can't be made: once in the life of the program. */
const warned = new Set<string>();

function warnUnbound(exchange: string, queue: string, reason: string): void {
  const binding = JSON.stringify([exchange, queue]);
  if (warned.has(binding)) return;
  warned.add(binding);
  log.warn("Cannot bind {queue} to {exchange}: no right; taken as bound ({reason})", {
    queue,
    exchange,
    reason,
  });
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
