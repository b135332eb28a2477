/**
 * Which of several programs speaks for a channel: the one that consumes a small queue, of which
 * RabbitMQ lets one consumer at a time be active (`x-single-active-consumer`). AMQP tells nobody that
 * it is the active one, so each puts a token into the queue, and whoever is handed one is. It is held
 * on the connection that the channel's queues are consumed on: who loses the one loses the other.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { ChannelModel, ConsumeMessage } from "amqplib";
import type { AmqpConnection } from "./amqp_connection.ts";
import type { AmqpCopies } from "./amqp_copies.ts";
import type { QueueArguments } from "./amqp_declare.ts";
import { AmqpSession } from "./amqp_session.ts";
import { Backoff, type BackoffOptions, pause } from "./backoff.ts";
import type { Faults } from "./faults.ts";
import { PublishError } from "./mod.ts";

const log = getLogger(["turn-channels", "broker"]);

/**
 * How often a token is put into the queue, in milliseconds. For who leads, so that the one that is held
 * is acked long before RabbitMQ's time-out for that (30 minutes); for who stands by, in case that a
 * token was lost.
 */
const TOKEN_MS = 5 * 60_000;

/** More tokens than that are of no use. */
const MOST_TOKENS = 10;

/**
 * How long RabbitMQ 4.3 waits for a node that is gone before another one's consumer becomes active, in
 * milliseconds; older ones do not wait, and take no notice of it.
 */
const NODE_GONE_MS = 20_000;

/**
 * Whoever takes over waits for so long, in milliseconds, before it consumes: the queues are told of the
 * end of the one before by turns, and one that still holds messages of it would hand on later ones.
 */
const TAKEOVER_MS = 1_000;

const ARGUMENTS = { "x-single-active-consumer": true, "x-max-length": MOST_TOKENS } as const;

/** The arguments of the queue. RabbitMQ 4.3 refuses the first ones for a classic queue. */
export const LEAD_ARGUMENTS: readonly QueueArguments[] = [
  { ...ARGUMENTS, "x-consumer-disconnected-timeout": NODE_GONE_MS },
  ARGUMENTS,
];

const TOKEN = { mandatory: true, persistent: true };

/** What an {@linkcode AmqpLead} needs. */
export interface AmqpLeadOptions extends BackoffOptions {
  /** The queue of tokens. */
  readonly queue: string;
  /** The connection that is to be led on. */
  readonly connection: AmqpConnection;
  /** Declares the queue, on the connection that is led on. */
  readonly declare: (queue: string, args: readonly QueueArguments[]) => Promise<void>;
  /** Publishes tokens. */
  readonly copies: AmqpCopies;
  /** What is wrong with which queue. */
  readonly faults: Faults;
  /** Is told when it begins to lead, before anything is consumed. */
  readonly onLead: () => void;
}

/** Leads, or stands by, until it is closed. */
export class AmqpLead {
  readonly #options: AmqpLeadOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #session: AmqpSession | undefined;
  #held: ConsumeMessage | undefined;
  /** Resolves when it leads, with what fires when it does not any more. Made anew then. */
  #term = Promise.withResolvers<AbortSignal>();
  #ends: AbortController | undefined;
  /** How often it has begun to stand by, and when it did last, by the clock of `performance`. */
  #standBys = 0;
  #standByAt = 0;

  /** Begins to stand by. */
  constructor(options: AmqpLeadOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Whether it leads now. */
  get leads(): boolean {
    return this.#ends !== undefined;
  }

  /** Resolves when it leads, with a signal that fires when that is over. */
  term(): Promise<AbortSignal> {
    return this.#term.promise;
  }

  /** Leaves it to others. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#session?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { connection, queue, faults } = this.#options;
    const stop = this.#stop.signal;
    const backoff = new Backoff(this.#options);
    const stopped = new Promise<void>((resolve) =>
      stop.addEventListener("abort", () => resolve(), { once: true })
    );
    while (!stop.aborted) {
      const model = await Promise.race([connection.model(), stopped]);
      if (!model) return;
      try {
        await this.#standBy(model, backoff);
      } catch (error) {
        if (!stop.aborted && connection.ready) faults.report(queue, "consume", error);
      }
      this.#endTerm();
      await backoff.pause(stop);
    }
  }

  /** Until the channel ends. */
  async #standBy(model: ChannelModel, backoff: Backoff): Promise<void> {
    const { queue, declare, faults } = this.#options;
    await declare(queue, LEAD_ARGUMENTS);
    const session = this.#session = new AmqpSession(await model.createChannel());
    try {
      // As when the queue is deleted.
      const onMessage = (message: ConsumeMessage | null): void =>
        message ? this.#take(session, message) : void session.close();
      this.#standBys++;
      this.#standByAt = performance.now();
      await session.channel.consume(queue, onMessage);
      faults.clear(queue, "consume");
      const lost = new Promise<false>((resolve) =>
        session.lost.addEventListener("abort", () => resolve(false), { once: true })
      );
      while (!session.lost.aborted && !this.#stop.signal.aborted) {
        // Putting it may hang for longer than the channel lives.
        const isPut = await Promise.race([this.#putToken(), lost]);
        if (isPut) backoff.reset();
        await (isPut ? pause(TOKEN_MS, session.lost) : backoff.pause(session.lost));
      }
      if (session.fault) throw session.fault;
    } finally {
      void session.close();
    }
  }

  /** The newest is held, so that none is for long. */
  #take(session: AmqpSession, message: ConsumeMessage): void {
    const before = this.#held;
    this.#held = message;
    if (before !== undefined) session.reply((channel) => channel.ack(before));
    if (before === undefined) void this.#lead(session);
  }

  /** Begins its term, unless the channel ends before. */
  async #lead(session: AmqpSession): Promise<void> {
    const standByMs = performance.now() - this.#standByAt;
    const isTakeover = this.#standBys > 1 || standByMs > TAKEOVER_MS;
    if (isTakeover) await pause(TAKEOVER_MS, session.lost);
    if (session.lost.aborted) return;
    log.info("This program speaks for {queue}", { queue: this.#options.queue });
    this.#ends = new AbortController();
    this.#options.onLead();
    session.lost.addEventListener("abort", () => this.#endTerm());
    this.#term.resolve(this.#ends.signal);
  }

  #endTerm(): void {
    this.#held = undefined;
    if (this.#ends === undefined) return;
    this.#term = Promise.withResolvers();
    this.#ends.abort();
    this.#ends = undefined;
  }

  /** Answers whether it could be put. */
  async #putToken(): Promise<boolean> {
    const { copies, queue, faults } = this.#options;
    try {
      await copies.publish({ kind: "queue", queue }, new Uint8Array(), TOKEN);
    } catch (error) {
      // That there is no connection is told elsewhere.
      const isAway = error instanceof PublishError && error.fault === "unavailable";
      if (!isAway) faults.report(queue, "copy", error);
      return false;
    }
    faults.clear(queue, "copy");
    return true;
  }
}
