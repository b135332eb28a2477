/**
 * Tries out what the AMQP adapter will need of a server: the connection, and each right. For an
 * operator, before the program runs for real.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { type AmqpAddress, describeFault, parseAddress, socketOptions } from "./amqp_address.ts";
import { declareQueues, delayArguments } from "./amqp_declare.ts";
import { fixFor } from "./amqp_fixes.ts";
import { delayQueue } from "./mod.ts";

/** What {@linkcode checkAmqp} tries. */
export interface AmqpCheckOptions {
  /** The server's address. */
  readonly url: string;
  /** The direct exchange. */
  readonly exchange: string;
  /** Queues to be declared and read. */
  readonly consumeQueues: readonly string[];
  /** Queues to be declared only: publishing is tried without leaving a message. */
  readonly publishQueues: readonly string[];
  /** Queues of those to be consumed, in which messages wait until they are tried again. */
  readonly delays: readonly Delays[];
  /** Time for all together, in milliseconds. */
  readonly timeoutMs: number;
}

/** The delay queues of one queue; see {@linkcode delayQueue}. */
export interface Delays {
  /** Where messages go when their time is up. */
  readonly queue: string;
  /** How long they wait, in milliseconds. */
  readonly delaysMs: readonly number[];
}

/** What came of one thing that was tried. */
export interface AmqpFinding {
  /** What was tried: the connection, the exchange, a queue. */
  readonly subject: string;
  /** Whether it works. */
  readonly ok: boolean;
  /** What was seen. */
  readonly detail: string;
  /** What to do, if it does not work and something can be said. */
  readonly fix?: string;
}

/**
 * Connects, declares the exchange and the queues (they stay), publishes a message that no queue
 * takes, and looks at each queue to be consumed: its first message, if it has one, is taken and put
 * back at once, and so is marked as redelivered. Stops at the connection if there is none.
 */
export async function checkAmqp(options: AmqpCheckOptions): Promise<AmqpFinding[]> {
  const address = parseAddress(options.url);
  const socket = new AbortController();
  const slow = new Error(`no answer within ${options.timeoutMs / 1000} seconds`);
  const timer = setTimeout(() => socket.abort(slow), options.timeoutMs);
  try {
    const model = await connect(
      address.connect,
      socketOptions("turn-channels check", socket.signal),
    );
    return await new Check(model, address, socket.signal).run(options);
  } catch (error) {
    const reason = socket.signal.aborted ? slow.message : await connectFault(error, address);
    const subject = `RabbitMQ at ${address.host}`;
    return [{ subject, ok: false, detail: reason, ...fixFor(reason, address) }];
  } finally {
    clearTimeout(timer);
    socket.abort();
  }
}

/** The trials on one connection. */
class Check {
  readonly #model: ChannelModel;
  readonly #address: AmqpAddress;
  readonly #timeout: AbortSignal;
  readonly #findings: AmqpFinding[] = [];
  readonly #ended: Promise<void>;

  constructor(model: ChannelModel, address: AmqpAddress, timeout: AbortSignal) {
    this.#model = model;
    this.#address = address;
    this.#timeout = timeout;
    // What it says comes with the call that fails; without a listener it would be thrown.
    model.on("error", () => {});
    this.#ended = new Promise((resolve) => model.on("close", () => resolve()));
  }

  async run(options: AmqpCheckOptions): Promise<AmqpFinding[]> {
    const { exchange, consumeQueues, publishQueues, delays } = options;
    const { product, version } = this.#model.connection.serverProperties;
    this.#findings.push({
      subject: `RabbitMQ at ${this.#address.host}`,
      ok: true,
      detail: `${product} ${version}, virtual host ${this.#address.vhost}`,
    });
    await this.#try(`exchange ${exchange}: declare`, async (channel) => {
      await declareQueues(this.#model, exchange, []);
      const asked = channel.assertExchange(exchange, "direct", { durable: true });
      return await asAskedFor(asked, "durable, direct");
    });
    for (const queue of new Set([...consumeQueues, ...publishQueues])) {
      await this.#try(`queue ${queue}: declare`, async (channel) => {
        await declareQueues(this.#model, exchange, [[queue, undefined]]);
        const { messageCount } = await channel.checkQueue(queue);
        const kind = await asAskedFor(channel.assertQueue(queue, { durable: true }), "durable");
        return `${kind}, bound, ${messageCount} waiting`;
      });
    }
    for (const { queue, delaysMs } of delays) {
      await this.#try(`delays of ${queue}: declare`, async (channel) => {
        let waiting = 0;
        for (const delayMs of delaysMs) {
          const args = delayArguments(exchange, queue, delayMs);
          const name = delayQueue(queue, delayMs);
          await declareQueues(this.#model, exchange, [[name, args]]);
          waiting += (await channel.checkQueue(name)).messageCount;
        }
        return `${delaysMs.length} queues, ${waiting} waiting`;
      });
    }
    for (const queue of consumeQueues) {
      await this.#try(`queue ${queue}: consume`, async (channel) => {
        const message = await channel.get(queue);
        if (message) channel.nack(message, false, true);
        return "can be read";
      });
    }
    await this.#try(`exchange ${exchange}: publish`, (channel) => this.#publish(channel, exchange));
    this.#model.close().catch(() => {}); // It rejects if the connection has ended.
    await this.#ended;
    return this.#findings;
  }

  /** Each trial has a channel of its own, since the server answers a fault by closing it. */
  async #try(
    subject: string,
    trial: (channel: ConfirmChannel) => Promise<string>,
  ): Promise<void> {
    try {
      const channel = await this.#model.createConfirmChannel();
      channel.on("error", () => {});
      const detail = await trial(channel);
      // What asAskedFor() has heard may have closed it.
      await channel.close().catch(() => {});
      this.#findings.push({ subject, ok: true, detail });
    } catch (error) {
      const cause: unknown = this.#timeout.aborted ? this.#timeout.reason : error;
      const detail = serverWords(cause);
      this.#findings.push({ subject, ok: false, detail, ...fixFor(detail, this.#address) });
    }
  }

  /** With a routing key that nobody has bound: it comes back, and then it is confirmed. */
  #publish(channel: ConfirmChannel, exchange: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#model.on("blocked", (reason) => reject(new Error(`publishing is blocked: ${reason}`)));
      reportClosing(channel, reject);
      const key = `turn-channels.check.${crypto.randomUUID()}`;
      channel.publish(exchange, key, Buffer.alloc(0), { mandatory: true }, (error) => {
        if (!error) resolve("messages are taken");
      });
    });
  }
}

/**
 * Answers `kind` if the server would declare it so, and else how it differs, as far as that does no
 * harm: it was made by somebody else, or we have no right to make it.
 */
async function asAskedFor(asked: Promise<unknown>, kind: string): Promise<string> {
  try {
    await asked;
    return kind;
  } catch (error) {
    const words = serverWords(error);
    // One that ends with the server loses messages, and another type of exchange misdirects them.
    if (!REFUSED.test(words) || DOES_HARM.test(words)) throw error;
    return `there (${words})`;
  }
}

const REFUSED = /^(PRECONDITION_FAILED|ACCESS_REFUSED)/;
const DOES_HARM = /inequivalent arg '(durable|auto_delete|exclusive|type)'/;

/** Rejects with the server's reason for closing the channel, or when there was none. */
function reportClosing(channel: Channel, reject: (error: Error) => void): void {
  channel.on("error", reject);
  channel.on("close", () => reject(new Error("the channel was closed")));
}

/** Deno 2.6 says nothing about what is wrong with TLS unless asked by its own interface. */
async function connectFault(error: unknown, address: AmqpAddress): Promise<string> {
  const { protocol, hostname = "", port = 0 } = address.connect;
  if (protocol === "amqps") {
    try {
      using connection = await Deno.connectTls({ hostname, port });
      await connection.handshake();
    } catch (fault) {
      return describeFault(fault, address);
    }
  }
  return describeFault(error, address);
}

/** RabbitMQ's own words, out of what amqplib makes of them. */
function serverWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /with message "(.*)"$/s.exec(text)?.[1] ?? text;
}
