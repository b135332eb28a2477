// Declares what is missing. What is there is taken as an operator made it: a quorum queue, one with
// limits or a policy, an exchange with an alternate. RabbitMQ would refuse to declare it with other
// arguments; so it is looked for first, which also needs no right to configure it. The one exception is
// an exchange of another type: a fanout one would bring users copies of our own messages as theirs.

import type { Channel as AmqpChannel, ChannelModel } from "amqplib";
import { codeOf, isAccessRefused, messageOf, NOT_FOUND, serverWords } from "./server_errors.ts";
import { AmqpSession } from "./session.ts";
import { log } from "../log.ts";
import { delayQueue } from "../mod.ts";

export type QueueArguments = Readonly<Record<string, unknown>>;

type QueueType = "classic" | "quorum";

/** AMQP's reply to those who want something otherwise than it is. */
const PRECONDITION_FAILED = 406;

/** What RabbitMQ says of an exchange of another type. */
const OTHER_TYPE = /inequivalent arg 'type' .* but current is '?([^'"\s]+)/;

/** How many declare side by side: with a thousand channels the server's answers are waited for. */
const SIDE_BY_SIDE = 8;

/** What takes longer makes room for others: about a queue on a dead node RabbitMQ is silent for a minute. */
const SLOW_MS = 2_000;

/** The exchange is of another type than vumi's; the message says what to do. */
export class ExchangeTypeError extends Error {
  override readonly name = "ExchangeTypeError";
}

export interface DeclarerOptions {
  /** The durable direct exchange that vumi's queues are bound to by their names. */
  readonly exchange: string;
  /** The type of queues of our own; the virtual host's, unless given. */
  readonly queueType?: QueueType | undefined;
  /** Queues of our own among those that are bound; names may be added. */
  readonly boundOwn?: ReadonlySet<string> | undefined;
}

/** Declares on channels of its own, which end with the connection. */
export class Declarer {
  readonly #model: ChannelModel;
  readonly #exchange: string;
  readonly #queueType: QueueType | undefined;
  readonly #boundOwn: ReadonlySet<string>;
  readonly #idle: AmqpSession[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(model: ChannelModel, { exchange, queueType, boundOwn = new Set() }: DeclarerOptions) {
    this.#model = model;
    this.#boundOwn = boundOwn;
    this.#exchange = exchange;
    this.#queueType = queueType;
  }

  /**
   * Declares the exchange. One with other arguments, or that we have no right to
   * declare, will do.
   * @returns How it differs, or why that is not known, in RabbitMQ's words; undefined if it does not.
   * @throws {ExchangeTypeError} If there is one of another type. AMQP tells the type only to those who
   * declare it as of another.
   */
  async exchange(): Promise<string | undefined> {
    const name = this.#exchange;
    try {
      await this.#on((channel) => channel.assertExchange(name, "direct", { durable: true }));
      return undefined;
    } catch (error) {
      const words = serverWords(error);
      const [, type] = OTHER_TYPE.exec(words) ?? [];
      if (type !== undefined) {
        const text = `exchange ${name} is of type ${type}; vumi's is direct: delete it ` +
          `(rabbitmqadmin delete exchange name=${name}) and it is declared again, or use another vhost`;
        throw new ExchangeTypeError(text, { cause: error });
      }
      if (codeOf(error) === PRECONDITION_FAILED) return words;
      if (!isAccessRefused(error)) throw error;
      // What is refused may be to make one, or to have another look at one that is there.
      await this.#on((channel) => channel.checkExchange(name)).catch(() => Promise.reject(error));
      return words;
    }
  }

  /** Declares a durable queue and binds it. Answers whether it could, or had no right to bind it. */
  async queue(name: string): Promise<boolean> {
    if (!await this.#isThere(name)) {
      // Any argument of one that workers declare too would be refused to whoever comes second.
      const args = this.#boundOwn.has(name) ? typed(this.#queueType) : {};
      const options = { durable: true, arguments: args };
      await this.#on((channel) => channel.assertQueue(name, options));
    }
    return await this.#bind(name);
  }

  /** Binds a queue, which is there as far as we know. */
  async bind(name: string): Promise<void> {
    try {
      await this.#bind(name);
    } catch (error) {
      if (codeOf(error) !== NOT_FOUND) throw error;
      await this.queue(name);
    }
  }

  /** Declares a queue of ours, with the first of `args` that RabbitMQ takes. */
  async ownQueue(name: string, args: readonly QueueArguments[] = [{}]): Promise<void> {
    if (await this.#isThere(name)) return;
    await this.#assertFirst(name, args.map((own) => ({ ...own, ...typed(this.#queueType) })));
  }

  /**
   * Sees to it that messages can wait for `delayMs`: published to the exchange {@linkcode delayQueue}
   * they lie in the queue of that name, and go back to the queue that their routing key names.
   *
   * A quorum queue keeps a message whose queue refuses it back, if asked to; a classic one can't, and
   * is not declared when asked. One that is there may be of either type.
   */
  async delay(delayMs: number): Promise<void> {
    const name = delayQueue(delayMs);
    const waits = { "x-message-ttl": delayMs, "x-dead-letter-exchange": "" };
    const keeps = {
      ...waits,
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
    };
    const classic = { ...waits, ...typed("classic") };
    const quorum = { ...keeps, ...typed("quorum") };
    const there = [quorum, { ...waits, ...typed("quorum") }, classic];
    const wanted = { classic: [classic], quorum: [quorum], unset: [keeps, waits] };
    try {
      await this.#assertFirst(name, [...wanted[this.#queueType ?? "unset"], ...there]);
      await this.#on(async (channel) => {
        await channel.assertExchange(name, "fanout", { durable: true });
        await channel.bindQueue(name, name, "");
      });
    } catch (error) {
      if (!isAccessRefused(error)) throw error;
      // Without the right to make it, it is enough that it is there.
      await this.#on(async (channel) => {
        await channel.checkQueue(name);
        await channel.checkExchange(name);
      }).catch(() => Promise.reject(error));
    }
  }

  /** Declares a queue with the first arguments that RabbitMQ takes, or finds it to have. */
  async #assertFirst(name: string, candidates: readonly QueueArguments[]): Promise<void> {
    let fault: unknown;
    for (const args of candidates) {
      try {
        await this.#on((channel) => channel.assertQueue(name, { durable: true, arguments: args }));
        return;
      } catch (error) {
        if (codeOf(error) !== PRECONDITION_FAILED) throw error;
        fault ??= error;
      }
    }
    throw fault;
  }

  /**
   * Whether the queue exists. One that we may not look at, as from RabbitMQ 4 on without any right to
   * it, is taken to exist: if it does not, publishing will tell.
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

  async #bind(queue: string): Promise<boolean> {
    const exchange = this.#exchange;
    try {
      await this.#on((channel) => channel.bindQueue(queue, exchange, queue));
      return true;
    } catch (error) {
      if (!isAccessRefused(error)) throw error;
      const binding = JSON.stringify([exchange, queue]);
      if (!warned.has(binding)) {
        const text =
          "Cannot bind {queue} to exchange {exchange}: the user has no right to do so. " +
          "Grant the right, or make sure that the queue is bound ({reason})";
        log.warn(text, { queue, exchange, reason: messageOf(error) });
      }
      warned.add(binding);
      return false;
    }
  }

  /** Does `work` on a channel of its own, which a fault ends. */
  async #on(work: (channel: AmqpChannel) => Promise<unknown>): Promise<void> {
    if (this.#busy >= SIDE_BY_SIDE) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#busy++;
    let isIn = true;
    const leave = (): void => {
      if (!isIn) return;
      isIn = false;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy--;
    };
    const timer = setTimeout(leave, SLOW_MS);
    try {
      const session = this.#idle.pop() ?? new AmqpSession(await this.#model.createChannel());
      await session.orLost(work(session.channel));
      this.#idle.push(session);
    } finally {
      clearTimeout(timer);
      leave();
    }
  }
}

/** Bindings of which it was logged that they can't be made: once in the life of the program. */
const warned = new Set<string>();

function typed(type: QueueType | undefined): Record<string, unknown> {
  return type === undefined ? {} : { "x-queue-type": type };
}
