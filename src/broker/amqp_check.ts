/**
 * Tries out what the AMQP adapter will need of a server: the connection, and each right. For an
 * operator, before the program runs for real.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { type AmqpAddress, type AmqpTls, parseAddress, socketOptions } from "./amqp_address.ts";
import { declareQueues, delayArguments } from "./amqp_declare.ts";
import { fixFor } from "./amqp_fixes.ts";
import { connectFault } from "./amqp_tls.ts";
import { delayQueue } from "./mod.ts";

/** What {@linkcode checkAmqp} tries. */
export interface AmqpCheckOptions {
  /** The addresses of a server, or of the nodes of a cluster. */
  readonly urls: readonly string[];
  /** Whom to trust at `amqps://…`, and who we are. */
  readonly tls?: AmqpTls;
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
  /** Whether it works; undefined if not, but as others of its kind do, we do without. */
  readonly ok: boolean | undefined;
  /** What was seen. */
  readonly detail: string;
  /** What to do, if it does not work and something can be said. */
  readonly fix?: string;
}

/**
 * Connects to each address, and by one of them declares the exchange and the queues (they stay),
 * publishes a message that no queue takes, and looks at each queue to be consumed: its first message,
 * if it has one, is taken and put back at once, and so is marked as redelivered. Stops at the
 * connections if there is none.
 */
export async function checkAmqp(options: AmqpCheckOptions): Promise<AmqpFinding[]> {
  const socket = new AbortController();
  const slow = new Error(`no answer within ${options.timeoutMs / 1000} seconds`);
  const timer = setTimeout(() => socket.abort(slow), options.timeoutMs);
  try {
    const addresses = options.urls.map((url) => parseAddress(url, options.tls));
    const tries = await Promise.all(addresses.map((address) => reach(address, socket.signal)));
    const [node, ...others] = tries.flatMap(({ node }) => node ?? []);
    const findings = tries.map(({ finding }) =>
      finding.ok || node === undefined ? finding : { ...finding, ok: undefined }
    );
    for (const { model } of others) model.close().catch(() => {}); // They may have ended.
    if (node !== undefined) {
      findings.push(...await new Check(node, socket.signal).run(options));
    }
    await Promise.all(others.map(({ ended }) => ended));
    return findings;
  } finally {
    clearTimeout(timer);
    socket.abort();
  }
}

/** A server that was reached. */
interface Node {
  readonly address: AmqpAddress;
  readonly model: ChannelModel;
  /** The connection's end. */
  readonly ended: Promise<void>;
}

async function reach(
  address: AmqpAddress,
  timeout: AbortSignal,
): Promise<{ readonly finding: AmqpFinding; readonly node?: Node }> {
  const subject = `RabbitMQ at ${address.host}`;
  try {
    const options = socketOptions("turn-channels check", address, timeout);
    const model = await connect(address.connect, options);
    // What it says comes with the call that fails; without a listener it would be thrown.
    model.on("error", () => {});
    const ended = new Promise<void>((resolve) => model.on("close", () => resolve()));
    const { product, version } = model.connection.serverProperties;
    const detail = `${product} ${version}, virtual host ${address.vhost}`;
    return { finding: { subject, ok: true, detail }, node: { address, model, ended } };
  } catch (error) {
    const reason = timeout.aborted
      ? serverWords(timeout.reason)
      : await connectFault(error, address, timeout);
    return { finding: { subject, ok: false, detail: reason, ...fixFor(reason, address) } };
  }
}

/** The trials on one connection. */
class Check {
  readonly #model: ChannelModel;
  readonly #address: AmqpAddress;
  readonly #timeout: AbortSignal;
  readonly #findings: AmqpFinding[] = [];
  readonly #ended: Promise<void>;

  constructor({ model, address, ended }: Node, timeout: AbortSignal) {
    this.#model = model;
    this.#address = address;
    this.#ended = ended;
    this.#timeout = timeout;
  }

  async run(options: AmqpCheckOptions): Promise<AmqpFinding[]> {
    const { exchange, consumeQueues, publishQueues, delays } = options;
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

/** RabbitMQ's own words, out of what amqplib makes of them. */
function serverWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /with message "(.*)"$/s.exec(text)?.[1] ?? text;
}
