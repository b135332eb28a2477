/**
 * Publishing to RabbitMQ with confirms, and the queues that have to be there for it. A message is
 * sent `mandatory`, so one that no queue takes comes back instead of being dropped.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { getLogger } from "@logtape/logtape";
import {
  type ChannelModel,
  type ConfirmChannel,
  IllegalOperationError,
  type Message,
  type Options,
} from "amqplib";
import { AmqpConnection, type AmqpConnectionOptions } from "./amqp_connection.ts";
import { declareQueues, type QueueArguments } from "./amqp_declare.ts";
import { waitAMoment } from "./amqp_patience.ts";
import { shortened } from "./handle.ts";
import { type Headers, PublishError } from "./mod.ts";

const log = getLogger(["turn-channels", "broker"]);

/** As vumi's workers publish. */
const PROPERTIES: Options.Publish = {
  mandatory: true,
  persistent: true,
  contentType: "application/json",
};

/** What an {@linkcode AmqpPublisher} needs. */
export interface AmqpPublisherOptions extends Omit<AmqpConnectionOptions, "setup" | "onBlocked"> {
  /** The direct exchange. */
  readonly exchange: string;
  /** How long messages on their way wait for the end of a block, in milliseconds. */
  readonly blockedGraceMs: number;
}

/** A message on its way. */
interface Pending {
  readonly queue: string;
  readonly content: Uint8Array;
  readonly patient: boolean;
  returned: boolean;
  /** Ends the waiting; a confirm that comes all the same changes nothing. */
  giveUp(): void;
}

/** How {@linkcode AmqpPublisher.publishCopy} publishes. */
export interface PublishOptions {
  /**
   * Whether to wait for the end of a block, for as long as it takes: to give up, and to publish
   * again, would make two messages of one. False by default.
   */
  readonly patient?: boolean;
}

/** A connection for publishing. */
export class AmqpPublisher {
  /** The connection, to look at. */
  readonly connection: AmqpConnection;
  readonly #exchange: string;
  readonly #blockedGraceMs: number;
  /** What is declared, and with which arguments. */
  readonly #queues = new Map<string, QueueArguments>();
  /** In the order of publishing. */
  readonly #pending = new Set<Pending>();
  #channel: ConfirmChannel | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** Keeps the options; {@linkcode start} connects. */
  constructor({ exchange, blockedGraceMs, ...options }: AmqpPublisherOptions) {
    this.#exchange = exchange;
    this.#blockedGraceMs = blockedGraceMs;
    this.connection = new AmqpConnection({
      ...options,
      setup: (model) => this.#setup(model),
      onBlocked: (blocked) => this.#onBlocked(blocked),
    });
  }

  /** Begins to connect. */
  start(): void {
    this.connection.start();
  }

  /** Sees to it that a queue is there; see {@linkcode Broker.declare}. */
  declare(queue: string, args: QueueArguments = {}): void {
    if (this.#queues.has(queue)) return;
    this.#queues.set(queue, args);
    void this.#redeclare(queue);
  }

  /** Publishes; see {@linkcode Broker.publish}. */
  async publish(queue: string, body: Uint8Array, headers?: Headers): Promise<void> {
    if (!this.connection.ready) await waitAMoment(this.connection);
    const properties = headers === undefined
      ? PROPERTIES
      : { ...PROPERTIES, headers: shortened(headers) };
    await this.publishCopy(queue, body, properties);
  }

  /**
   * Publishes with these properties, and resolves when the message is confirmed.
   *
   * @throws {PublishError} If it is not confirmed.
   * @throws {RangeError | TypeError} If `properties` can't be put on the wire.
   */
  publishCopy(
    queue: string,
    body: Uint8Array,
    properties: Options.Publish,
    { patient = false }: PublishOptions = {},
  ): Promise<void> {
    const channel = this.#channel;
    if (!channel || this.connection.blocked) return Promise.reject(this.#unavailable(queue));
    return new Promise((resolve, reject) => {
      const content = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      const giveUp = () =>
        reject(publishError(queue, new Error("RabbitMQ has blocked publishing")));
      const pending: Pending = { queue, content, patient, returned: false, giveUp };
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

  /** Makes a declared queue that was deleted again. Returns whether it is there now. */
  async restore(queue: string): Promise<boolean> {
    return this.#queues.has(queue) && await this.#redeclare(queue);
  }

  /** Fails what is not confirmed yet, and closes the connection. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#channel = undefined;
    await this.connection.close();
  }

  async #setup(model: ChannelModel): Promise<void> {
    await declareQueues(model, this.#exchange, this.#queues);
    const channel = await model.createConfirmChannel();
    // The error, of a deleted exchange for example, is followed by `close`, but tells more.
    channel.on("error", (error) => this.connection.reset(error.message));
    channel.on("close", () => this.#channel = undefined);
    channel.on("return", (message) => this.#onReturn(message));
    this.#channel = channel;
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
  async #redeclare(queue: string): Promise<boolean> {
    const model = this.connection.current;
    if (!model) return false; // The next connection begins with it.
    try {
      await declareQueues(model, this.#exchange, [[queue, this.#queues.get(queue)]]);
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn("Cannot declare the queue {queue}: {reason}", { queue, reason });
      return false;
    }
  }

  /** What was sent before the server announced the block waits for its confirm, but not long. */
  #onBlocked(blocked: boolean): void {
    if (!blocked) {
      clearTimeout(this.#grace);
      this.#grace = undefined;
      return;
    }
    this.#grace ??= setTimeout(() => {
      for (const pending of this.#pending) if (!pending.patient) pending.giveUp();
    }, this.#blockedGraceMs);
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

/** amqplib tells a nack from the channel's end by its message only. */
function publishError(queue: string, cause: Error): PublishError {
  if (cause.message === "message nacked") return refused(queue, "RabbitMQ refused it", cause);
  const message = `Cannot tell whether ${queue} has the message: ${cause.message}`;
  return new PublishError("unconfirmed", message, { cause });
}

function refused(queue: string, why: string, cause?: Error): PublishError {
  return new PublishError("refused", `Cannot publish to ${queue}: ${why}`, { cause });
}
