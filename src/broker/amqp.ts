/**
 * The adapter for RabbitMQ. It publishes and consumes on separate connections, so that an alarm of
 * the server, which blocks connections that publish, does not keep messages from being consumed.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { type AmqpTls, parseAddress } from "./amqp_address.ts";
import { AmqpConnection } from "./amqp_connection.ts";
import { AmqpConsumer } from "./amqp_consumer.ts";
import { claim, join } from "./amqp_claim.ts";
import { delayArguments } from "./amqp_declare.ts";
import { AmqpDepths } from "./amqp_depths.ts";
import { AmqpMover } from "./amqp_mover.ts";
import { AmqpPublisher } from "./amqp_publisher.ts";
import { sift } from "./amqp_sift.ts";
import {
  type Broker,
  type BrokerStatus,
  type Claim,
  type ConsumeOptions,
  type Consumer,
  delayQueue,
  type Fate,
  type Handler,
  type Headers,
  type Membership,
  type MoveOptions,
  type Mover,
  type QueuedMessage,
} from "./mod.ts";

/** How {@linkcode AmqpBroker.open} connects. */
export interface AmqpBrokerOptions {
  /**
   * `amqp://user:password@host:port/vhost`, or `amqps://…` for TLS; several are the nodes of one
   * cluster, of which one that can be reached is taken.
   */
  readonly urls: readonly string[];
  /** Whom to trust at `amqps://…`, and who we are. */
  readonly tls?: AmqpTls;
  /** The durable direct exchange; it is declared. */
  readonly exchange: string;
  /** The first pause before connecting again, in milliseconds, 100 by default. */
  readonly initialDelayMs?: number;
  /** The longest pause, in milliseconds, 30000 by default. */
  readonly maxDelayMs?: number;
  /**
   * How long messages that are on their way when the server blocks publishing wait for its end, in
   * milliseconds, 1000 by default. Then they count as unconfirmed.
   */
  readonly blockedGraceMs?: number;
  /** The type of the queues that are made for delays and parking; the virtual host's, unless given. */
  readonly queueType?: "classic" | "quorum";
  /** RabbitMQ's `consumer_timeout`, in milliseconds, 1800000 by default. */
  readonly consumerTimeoutMs?: number;
}

/** How long closing waits for a silent server to take the last answers, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2000;

/** A {@linkcode Broker} on RabbitMQ. */
export class AmqpBroker implements Broker {
  readonly #exchange: string;
  readonly #delays: { initialDelayMs: number; maxDelayMs: number };
  readonly #publisher: AmqpPublisher;
  readonly #connection: AmqpConnection;
  readonly #depths: AmqpDepths;
  /** Those that are not cancelled. */
  readonly #consumers = new Set<AmqpConsumer>();
  /** What is moved is published where it was consumed; see amqp_mover.ts. Not used without movers. */
  readonly #moving: AmqpConnection;
  /** Those that are not stopped. */
  readonly #movers = new Set<AmqpMover>();
  #closed: Promise<unknown> | undefined;

  private constructor(options: AmqpBrokerOptions) {
    const { urls, tls, exchange, blockedGraceMs = 1000, initialDelayMs = 100 } = options;
    const addresses = urls.map((url) => parseAddress(url, tls));
    this.#exchange = exchange;
    this.#delays = { initialDelayMs, maxDelayMs: options.maxDelayMs ?? 30_000 };
    this.#publisher = new AmqpPublisher({
      ...this.#delays,
      addresses,
      exchange,
      blockedGraceMs,
      name: "turn-channels publish",
    });
    const connect = (name: string): AmqpConnection =>
      new AmqpConnection({ ...this.#delays, addresses, name, setup: () => Promise.resolve() });
    this.#connection = connect("turn-channels consume");
    this.#moving = connect("turn-channels move");
    this.#depths = new AmqpDepths(this.#connection);
  }

  /**
   * Begins to connect and returns at once.
   *
   * @throws {TypeError} If a URL can't be read, or there is none.
   */
  static open(options: AmqpBrokerOptions): AmqpBroker {
    if (options.urls.length === 0) throw new TypeError("Cannot connect to RabbitMQ: no address");
    const broker = new AmqpBroker(options);
    broker.#publisher.start();
    broker.#connection.start();
    return broker;
  }

  /**
   * Waits until messages can be published and queues be looked at, or it is known why not.
   *
   * @throws {PublishError} If there is no connection after `timeoutMs` milliseconds, with the reason
   * in words for an operator; at once if the login is refused.
   */
  async ready(timeoutMs: number): Promise<void> {
    const connections = [this.#publisher.connection, this.#connection];
    await Promise.all(connections.map((connection) => connection.connected(timeoutMs)));
  }

  /** See {@linkcode Broker.declare}. */
  declare(queue: string): void {
    this.#publisher.declare(queue);
  }

  /** See {@linkcode Broker.publish}. */
  publish(queue: string, body: Uint8Array, headers?: Headers): Promise<void> {
    return this.#publisher.publish(queue, body, headers);
  }

  /** See {@linkcode Broker.consume}. */
  consume(queue: string, options: ConsumeOptions, handler: Handler): Consumer {
    this.#publisher.declare(options.parkingQueue);
    const { home = queue } = options;
    for (const delayMs of options.delaysMs ?? []) {
      const args = delayArguments(this.#exchange, home, delayMs);
      this.#publisher.declare(delayQueue(home, delayMs), args);
    }
    const consumer = new AmqpConsumer({
      ...this.#delays,
      ...options,
      connection: this.#connection,
      publisher: this.#publisher,
      exchange: this.#exchange,
      queue,
      home,
      handler,
    });
    this.#consumers.add(consumer);
    return {
      cancel: () => {
        this.#consumers.delete(consumer);
        return consumer.cancel();
      },
      pause: () => consumer.pause(),
      resume: () => consumer.resume(),
      settled: () => consumer.settled(),
    };
  }

  /** See {@linkcode Broker.sift}. */
  sift(
    queue: string,
    decide: (message: QueuedMessage) => Fate | Promise<Fate>,
  ): Promise<void> {
    return sift({ connection: this.#connection, publisher: this.#publisher }, queue, decide);
  }

  /** See {@linkcode Broker.depth}. */
  depth(queue: string): Promise<number | undefined> {
    return this.#depths.of(queue);
  }

  /** See {@linkcode Broker.claim}. */
  claim(queue: string): Promise<Claim | undefined> {
    return claim(this.#connection, queue);
  }

  /** See {@linkcode Broker.join}. */
  join(group: string): Promise<Membership | undefined> {
    return join(this.#connection, group);
  }

  /** See {@linkcode Broker.move}. */
  move(queue: string, options: MoveOptions): Mover {
    this.#moving.start();
    const mover = new AmqpMover({
      ...options,
      connection: this.#moving,
      exchange: this.#exchange,
      queue,
    });
    this.#movers.add(mover);
    return {
      stop: () => {
        this.#movers.delete(mover);
        return mover.stop();
      },
    };
  }

  /** See {@linkcode Broker.connected}. */
  async connected(): Promise<void> {
    await this.#publisher.connection.model();
  }

  /** See {@linkcode Broker.status}; `open` also says that every consumer is consuming, or paused. */
  status(): BrokerStatus {
    const publishing = this.#publisher.connection;
    return {
      state: this.#state(),
      publishing: !this.#closed && publishing.ready && !publishing.blocked,
      consuming: !this.#closed && this.#consuming(),
      serverProperties: this.#connection.serverProperties,
      reason: publishing.reason ?? this.#connection.reason,
    };
  }

  /** Puts back what is not answered, fails what is not confirmed, and closes; within seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  #state(): BrokerStatus["state"] {
    if (this.#closed) return "closed";
    const publishing = this.#publisher.connection;
    if (!publishing.ready || !this.#consuming()) return "connecting";
    return publishing.blocked ? "blocked" : "open";
  }

  #consuming(): boolean {
    return this.#connection.ready && [...this.#consumers].every(({ ready }) => ready) &&
      (this.#movers.size === 0 || this.#moving.ready);
  }

  async #close(): Promise<void> {
    const closed = Promise.all([
      ...[...this.#consumers].map((consumer) => consumer.close()),
      ...[...this.#movers].map((mover) => mover.stop()),
    ]);
    const answered = new AbortController();
    const silent = delay(CLOSE_TIMEOUT_MS, undefined, answered).catch(() => {});
    await Promise.race([closed, silent]);
    answered.abort();
    const connections = [this.#publisher, this.#connection, this.#moving];
    await Promise.all(connections.map((connection) => connection.close()));
    // Their last calls have failed with the connection, so this waits for no server.
    for (const consumer of this.#consumers) await consumer.cancel();
    for (const mover of this.#movers) await mover.stop();
  }
}
