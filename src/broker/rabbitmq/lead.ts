// Which of several programs speaks for a channel: the one that consumes a small queue, of which
// RabbitMQ lets one consumer at a time be active (`x-single-active-consumer`). AMQP tells nobody that
// it is the active one, so each puts a token into the queue, and whoever is handed one is. It is held
// on the connection that the channel's queues are consumed on: who loses the one loses the other. In a
// token stands what who leads leaves for who leads next; those of who stands by are empty.

import { Buffer } from "node:buffer";
import type { ChannelModel, ConsumeMessage } from "amqplib";
import type { ConsumeConnection } from "./consume_connections.ts";
import type { AmqpCopies } from "./copies.ts";
import type { QueueArguments } from "./declarer.ts";
import { AmqpSession } from "./session.ts";
import type { QueueFaults } from "./queue_faults.ts";
import { aborted, Backoff, type BackoffOptions, onAbort, sleep } from "../../async/mod.ts";
import { serverWords } from "./server_errors.ts";
import { log } from "../log.ts";
import type { LeadOptions } from "../mod.ts";

/**
 * How often a token is put into the queue. For who leads, so that the one that is held is acked long
 * before RabbitMQ's time-out for that (30 minutes); for who stands by, in case that a token was lost.
 */
const TOKEN_MS = 5 * 60_000;

const MOST_TOKENS = 10;

/** How long RabbitMQ 4.3 waits for a node that is gone before another's consumer becomes active. */
const NODE_GONE_MS = 20_000;

/**
 * How long whoever takes over waits before it consumes: the queues are told of the end of the one before
 * by turns, and one that still holds messages of it would hand on later ones.
 */
const TAKEOVER_MS = 2_000;

/**
 * The arguments of the queue, the best ones first. On a cluster a classic queue would be away with its
 * node. RabbitMQ 4.3 refuses a classic one that waits for a node that is gone.
 */
export function leadArguments(isCluster: boolean): readonly QueueArguments[] {
  const args = { "x-single-active-consumer": true, "x-max-length": MOST_TOKENS };
  const waiting = { ...args, "x-consumer-disconnected-timeout": NODE_GONE_MS };
  return isCluster ? [{ ...waiting, "x-queue-type": "quorum" }, waiting, args] : [waiting, args];
}

/** Why a term ends, unless more is known. */
const CONNECTION_LOST = "the connection to RabbitMQ is lost";

/** Who speaks for a channel and who stands by, in words, by the number of consumers of its queue. */
export function bridgesNow(consumers: number, queueType: string | undefined): string {
  if (consumers === 0) return "no bridge speaks for it now: none runs";
  if (queueType !== "classic") {
    return "one bridge speaks for it; how many stand by can't be seen with a queue of this type";
  }
  const others = consumers - 1;
  return `one bridge speaks for it, ${others || "none"} ${others > 1 ? "stand" : "stands"} by`;
}

const TOKEN = { mandatory: true, persistent: true };

export interface AmqpLeadOptions extends BackoffOptions, LeadOptions {
  readonly on: ConsumeConnection;
  readonly copies: AmqpCopies;
  readonly faults: QueueFaults;
  readonly isCluster: boolean;
  readonly tokenMs: number | undefined;
}

export class AmqpLead {
  /** The connection that all queues of the lead have to be consumed on. */
  readonly on: ConsumeConnection;
  readonly #options: AmqpLeadOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #session: AmqpSession | undefined;
  #held: ConsumeMessage | undefined;
  /** What stands in the next token; "" as long as nothing was left, or it does not lead. */
  #left = "";
  /** See {@linkcode term}; made anew when one ends. */
  #term = Promise.withResolvers<AbortSignal>();
  #ends: AbortController | undefined;

  constructor(options: AmqpLeadOptions) {
    this.on = options.on;
    this.#options = options;
    this.#running = this.#run();
  }

  get leads(): boolean {
    return this.#ends !== undefined;
  }

  /** Resolves when it leads, with a signal that fires when that is over. */
  term(): Promise<AbortSignal> {
    return this.#term.promise;
  }

  /** Stops leading or standing by. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#endTerm("it is stopping");
    await this.#session?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { on: { connection }, queue, faults } = this.#options;
    const stop = this.#stop.signal;
    const backoff = new Backoff(this.#options);
    const stopped = aborted(stop);
    while (!stop.aborted) {
      const model = await Promise.race([connection.model(), stopped]);
      if (!model) return;
      try {
        await this.#standBy(model, backoff);
      } catch (error) {
        if (!stop.aborted && connection.ready) faults.report(queue, "consume", error);
      }
      this.#endTerm(CONNECTION_LOST);
      await backoff.pause(stop);
    }
  }

  /** Stands by, and leads when its turn comes, until the channel ends. */
  async #standBy(model: ChannelModel, backoff: Backoff): Promise<void> {
    const { on, queue, faults, isCluster, tokenMs = TOKEN_MS } = this.#options;
    const declaring = on.declarer?.ownQueue(queue, leadArguments(isCluster));
    await faults.whileSlow(queue, "consume", declaring);
    const session = this.#session = new AmqpSession(await model.createChannel());
    try {
      const onMessage = (message: ConsumeMessage | null): void => {
        if (message) return this.#take(session, message);
        this.#endTerm(`RabbitMQ no longer lets it consume ${queue}, which may have been deleted`);
        void session.close();
      };
      await session.channel.consume(queue, onMessage);
      faults.clear(queue, "consume");
      const lost = aborted(session.lost);
      while (!session.lost.aborted && !this.#stop.signal.aborted) {
        // Putting it may hang for longer than the channel lives.
        const isPut = await Promise.race([this.#putToken(), lost]);
        if (isPut) backoff.reset();
        await (isPut ? sleep(tokenMs, session.lost) : backoff.pause(session.lost));
      }
      if (session.fault) throw session.fault;
    } finally {
      void session.close();
    }
  }

  /** Takes a token. The newest is held, so that none is for long; but for none that says nothing. */
  #take(session: AmqpSession, message: ConsumeMessage): void {
    const before = this.#held;
    const isEmpty = message.content.length === 0;
    // One's own come late: while it leads it knows better.
    if (!isEmpty && !this.leads) this.#left = message.content.toString();
    const isKept = before !== undefined && isEmpty && before.content.length > 0;
    if (!isKept) this.#held = message;
    const done = isKept ? message : before;
    if (done !== undefined) session.reply((channel) => channel.ack(done));
    if (before === undefined) void this.#lead(session, message);
  }

  /** Begins its term, unless the channel ends before. */
  async #lead(session: AmqpSession, token: ConsumeMessage): Promise<void> {
    // Whoever led before has held the token.
    if (token.fields.redelivered) await sleep(TAKEOVER_MS, session.lost);
    if (session.lost.aborted) return;
    const { connector, onLead } = this.#options;
    log.info("This bridge now speaks for {connector}: it takes messages and events", { connector });
    const ends = this.#ends = new AbortController();
    onLead({ left: this.#left, leave: (text) => this.#leave(text, ends.signal) });
    onAbort(session.lost, () => {
      this.#endTerm(session.fault ? serverWords(session.fault) : CONNECTION_LOST);
    });
    this.#term.resolve(this.#ends.signal);
  }

  async #leave(text: string, over: AbortSignal): Promise<boolean> {
    if (over.aborted) return false;
    this.#left = text;
    return await this.#putToken();
  }

  #endTerm(reason: string): void {
    this.#held = undefined;
    this.#left = "";
    if (this.#ends === undefined) return;
    const { connector } = this.#options;
    log.info("This bridge no longer speaks for {connector}: {reason}", { connector, reason });
    this.#term = Promise.withResolvers();
    this.#ends.abort();
    this.#ends = undefined;
  }

  /** Puts a token into the queue; false if that fails. */
  async #putToken(): Promise<boolean> {
    const { copies, queue, faults } = this.#options;
    try {
      await copies.publish({ kind: "queue", queue }, Buffer.from(this.#left), TOKEN);
      faults.clear(queue, "copy");
      return true;
    } catch (error) {
      faults.report(queue, "copy", error);
      return false;
    }
  }
}
