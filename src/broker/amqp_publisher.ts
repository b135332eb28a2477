/**
 * Publishing to RabbitMQ with confirms, and the queues that have to be there for it. A message is
 * sent `mandatory`, so one that no queue takes comes back instead of being dropped.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { getLogger } from "@logtape/logtape";
import {
  type Channel,
  type ChannelModel,
  type ConfirmChannel,
  IllegalOperationError,
  type Message,
  type Options,
} from "amqplib";
import { AmqpConnection, type AmqpConnectionOptions } from "./amqp_connection.ts";
import { PublishError } from "./mod.ts";

const log = getLogger(["turn-channels", "broker"]);

/** As vumi's workers publish. */
const PROPERTIES: Options.Publish = {
  mandatory: true,
  persistent: true,
  contentType: "application/json",
};

/** What an {@linkcode AmqpPublisher} needs. */
export interface AmqpPublisherOptions extends Omit<AmqpConnectionOptions, "setup"> {
  /** The direct exchange. */
  readonly exchange: string;
}

/** A message on its way. */
interface Pending {
  readonly queue: string;
  readonly content: Uint8Array;
  returned: boolean;
}

/** A connection for publishing. */
export class AmqpPublisher {
  /** The connection, to look at. */
  readonly connection: AmqpConnection;
  readonly #exchange: string;
  readonly #queues = new Set<string>();
  /** In the order of publishing. */
  readonly #pending = new Set<Pending>();
  #channel: ConfirmChannel | undefined;
  #closed = false;

  /** Keeps the options; {@linkcode start} connects. */
  constructor({ exchange, ...options }: AmqpPublisherOptions) {
    this.#exchange = exchange;
    this.connection = new AmqpConnection({ ...options, setup: (model) => this.#setup(model) });
  }

  /** Begins to connect. */
  start(): void {
    this.connection.start();
  }

  /** Sees to it that a queue is there; see {@linkcode Broker.declare}. */
  declare(queue: string): void {
    if (this.#queues.has(queue)) return;
    this.#queues.add(queue);
    if (this.connection.ready) void this.#redeclare(queue);
  }

  /**
   * Publishes with these properties, by default vumi's, and resolves when the message is confirmed.
   *
   * @throws {PublishError} If it is not confirmed.
   * @throws {RangeError | TypeError} If `properties` can't be put on the wire.
   */
  publish(queue: string, body: Uint8Array, properties = PROPERTIES): Promise<void> {
    const channel = this.#channel;
    if (!channel || this.connection.blocked) return Promise.reject(this.#unavailable(queue));
    return new Promise((resolve, reject) => {
      const content = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      const pending: Pending = { queue, content, returned: false };
      try {
        channel.publish(this.#exchange, queue, content, properties, (error) => {
          this.#pending.delete(pending);
          if (error) reject(publishError(queue, error));
          else if (pending.returned) reject(refused(queue, "no queue took it"));
          else resolve();
        });
      } catch (error) {
        reject(error instanceof IllegalOperationError ? this.#unavailable(queue) : error);
        return;
      }
      this.#pending.add(pending);
    });
  }

  /** Fails what is not confirmed yet, and closes the connection. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#channel = undefined;
    await this.connection.close();
  }

  async #setup(model: ChannelModel): Promise<void> {
    await this.#declareOn(model, this.#queues);
    const channel = await model.createConfirmChannel();
    // The error, of a deleted exchange for example, is followed by `close`, but tells more.
    channel.on("error", (error) => this.connection.reset(error.message));
    channel.on("close", () => this.#channel = undefined);
    channel.on("return", (message) => this.#onReturn(message));
    this.#channel = channel;
  }

  /** On a channel of its own, since the server answers a fault by closing the channel. */
  async #declareOn(model: ChannelModel, queues: Iterable<string>): Promise<void> {
    const channel = await model.createChannel();
    // The call that it is about rejects as well; but without a listener the connection would end.
    channel.on("error", () => {});
    for (const queue of queues) await declareQueue(channel, this.#exchange, queue);
    await channel.close();
  }

  /** The server returns a message before it confirms it, but does not say which one it was. */
  #onReturn({ fields: { routingKey }, content }: Message): void {
    for (const pending of this.#pending) {
      if (pending.returned || pending.queue !== routingKey) continue;
      if (content.compare(pending.content) !== 0) continue;
      pending.returned = true;
      break;
    }
    if (this.#queues.has(routingKey)) void this.#redeclare(routingKey);
  }

  /** Makes a queue that was deleted again, so that the next attempt to publish works. */
  async #redeclare(queue: string): Promise<void> {
    try {
      await this.#declareOn(await this.connection.model(), [queue]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn("Cannot declare the queue {queue}: {reason}", { queue, reason });
    }
  }

  #unavailable(queue: string): PublishError {
    const why = this.#closed
      ? "the broker is closed"
      : this.connection.blocked
      ? "RabbitMQ has blocked publishing"
      : "there is no connection to RabbitMQ";
    return new PublishError("unavailable", `Cannot publish to ${queue}: ${why}`);
  }
}

/** Declares a durable queue as vumi's workers do, with its exchange and binding. */
export async function declareQueue(
  channel: Channel,
  exchange: string,
  queue: string,
): Promise<void> {
  await channel.assertExchange(exchange, "direct", { durable: true });
  await channel.assertQueue(queue, { durable: true });
  await channel.bindQueue(queue, exchange, queue);
}

/** amqplib tells a nack from the channel's end by its message only. */
function publishError(queue: string, cause: Error): PublishError {
  if (cause.message === "message nacked") return refused(queue, "RabbitMQ refused it", cause);
  const message = `Cannot tell whether ${queue} has the message: ${cause.message}`;
  return new PublishError("unconfirmed", message, { cause });
}

function refused(queue: string, why: string, cause?: Error): PublishError {
  return new PublishError("refused", `Cannot publish to ${queue}: ${why}`, { cause });
}
