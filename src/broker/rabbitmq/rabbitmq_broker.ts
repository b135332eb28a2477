/**
 * The adapter for RabbitMQ. It publishes and consumes on separate connections, so that an alarm of
 * the server, which blocks connections that publish, does not keep messages from being consumed.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { type AmqpAddress, type AmqpTls, parseAddress } from "./address.ts";
import { AmqpConnection } from "./connection.ts";
import { AmqpConsumer } from "./consumer.ts";
import { AmqpCopies } from "./copies.ts";
import { Declarer, type QueueType } from "./declare.ts";
import { AmqpDepths } from "./depths.ts";
import { ExchangeTypeError } from "./exchange.ts";
import { AmqpLead } from "./lead.ts";
import { AmqpPublisher } from "./publisher.ts";
import { browse } from "./browse.ts";
import { WireFaults } from "./wire_faults.ts";
import { QueueFaults } from "../queue_faults.ts";
import type {
  Broker,
  BrokerStatus,
  ConsumeOptions,
  Consumer,
  Decision,
  Handler,
  Headers,
  LeadOptions,
  QueuedMessage,
} from "../mod.ts";

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
  /** The type of queues of our own, for parking and delays; the virtual host's, unless given. */
  readonly queueType?: QueueType | undefined;
  /** The first pause before connecting again, in milliseconds, 100 by default. */
  readonly initialDelayMs?: number;
  /** The longest pause, in milliseconds, 30000 by default. */
  readonly maxDelayMs?: number;
  /**
   * How long messages that are on their way when the server blocks publishing wait for its end, in
   * milliseconds, 1000 by default. Then they count as unconfirmed.
   */
  readonly blockedGraceMs?: number;
  /** How often bindings are looked after, in milliseconds, 60000 by default. */
  readonly bindEveryMs?: number;
}

/** How long closing waits for a silent server to take the last answers, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2000;

/** Most consumers on a connection: RabbitMQ allows 2047 channels on one. */
const CONSUMERS_EACH = 1500;

/** A connection that messages are consumed on. */
interface Consuming {
  readonly connection: AmqpConnection;
  declarer: Declarer | undefined;
  consumers: number;
}

/** A {@linkcode Broker} on RabbitMQ. */
export class AmqpBroker implements Broker {
  readonly #options: AmqpBrokerOptions;
  readonly #addresses: readonly AmqpAddress[];
  readonly #delays: { initialDelayMs: number; maxDelayMs: number };
  readonly #faults = new QueueFaults();
  readonly #wireFaults = new WireFaults();
  readonly #publisher: AmqpPublisher;
  readonly #copies: AmqpCopies;
  readonly #depths: AmqpDepths;
  /** At least one. */
  readonly #consuming: Consuming[] = [];
  readonly #connection: AmqpConnection;
  /** Those that are not cancelled. */
  readonly #consumers = new Set<AmqpConsumer>();
  /** By their queues, with the connections that they are led on. */
  readonly #leads = new Map<string, { readonly lead: AmqpLead; readonly on: Consuming }>();
  /** Queues that have to be bound, as far as we know. */
  readonly #bound = new Set<string>();
  readonly #binding: ReturnType<typeof setInterval>;
  #closed: Promise<unknown> | undefined;

  private constructor(options: AmqpBrokerOptions) {
    const { urls, tls, exchange, queueType, blockedGraceMs = 1000 } = options;
    const { initialDelayMs = 100, maxDelayMs = 30_000, bindEveryMs = 60_000 } = options;
    this.#options = options;
    this.#addresses = urls.map((url) => parseAddress(url, tls));
    this.#delays = { initialDelayMs, maxDelayMs };
    this.#publisher = new AmqpPublisher({
      ...this.#delays,
      addresses: this.#addresses,
      exchange,
      blockedGraceMs,
      queueType,
      faults: this.#faults,
      name: "turn-channels publish",
    });
    this.#copies = new AmqpCopies(this.#publisher);
    this.#connection = this.#addConnection().connection;
    this.#depths = new AmqpDepths(this.#connection);
    this.#binding = setInterval(() => void this.#bindAgain(), bindEveryMs);
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
    this.#bound.add(queue);
    this.#publisher.declare(queue);
  }

  /** See {@linkcode Broker.publish}. */
  publish(queue: string, body: Uint8Array, headers?: Headers): Promise<void> {
    return this.#publisher.publish(queue, body, headers);
  }

  /** See {@linkcode Broker.consume}. */
  consume(queue: string, options: ConsumeOptions, handler: Handler): Consumer {
    const { exchange } = this.#options;
    const led = options.lead && this.#lead(options.lead);
    const own = led?.on ?? this.#leastUsed();
    own.consumers++;
    this.#bound.add(queue);
    const { prefetch, parkingQueue } = options;
    const consumer = new AmqpConsumer({
      ...this.#delays,
      prefetch,
      parkingQueue,
      lead: led?.lead,
      connection: own.connection,
      copies: this.#copies,
      faults: this.#faults,
      declare: async () => void await own.declarer?.queue(exchange, queue),
      queue,
      handler,
    });
    this.#consumers.add(consumer);
    return {
      cancel: () => {
        this.#consumers.delete(consumer);
        own.consumers--;
        return consumer.cancel();
      },
      settled: () => consumer.settled(),
    };
  }

  /** See {@linkcode Broker.leads}. */
  leads(queue: string): boolean {
    return this.#leads.get(queue)?.lead.leads ?? false;
  }

  /** See {@linkcode Broker.sift}. */
  browse(
    queue: string,
    decide: (message: QueuedMessage) => Decision | Promise<Decision>,
  ): Promise<void> {
    const options = {
      connection: this.#connection,
      copies: this.#copies,
      restore: (moveTo: string) => this.#publisher.restore(moveTo),
    };
    return browse(options, queue, decide);
  }

  /** See {@linkcode Broker.depth}. */
  depth(queue: string): Promise<number | undefined> {
    return this.#depths.of(queue);
  }

  /** See {@linkcode Broker.connected}. */
  async connected(): Promise<void> {
    await this.#publisher.connection.model();
  }

  /** See {@linkcode Broker.status}; `open` also says that messages are consumed. */
  status(): BrokerStatus {
    const publishing = this.#publisher.connection;
    return {
      state: this.#state(),
      publishing: !this.#closed && publishing.ready && !publishing.blocked,
      consuming: !this.#closed && this.#isConsuming(),
      serverProperties: this.#connection.serverProperties,
      reason: publishing.reason ?? this.#connection.reason,
      faults: this.#faults.all(),
    };
  }

  /** Puts back what is not answered, fails what is not confirmed, and closes; within seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  /** One for all consumers that name the same. */
  #lead(options: LeadOptions): { readonly lead: AmqpLead; readonly on: Consuming } {
    const known = this.#leads.get(options.queue);
    if (known !== undefined) return known;
    const on = this.#leastUsed();
    on.consumers++;
    const lead = new AmqpLead({
      ...this.#delays,
      ...options,
      connection: on.connection,
      declare: async (name, args) => await on.declarer?.ownQueue(name, args),
      copies: this.#copies,
      faults: this.#faults,
    });
    const led = { lead, on };
    this.#leads.set(options.queue, led);
    return led;
  }

  /** The last connection, or a new one. */
  #leastUsed(): Consuming {
    const last = this.#consuming.at(-1);
    if (last !== undefined && last.consumers < CONSUMERS_EACH) return last;
    const added = this.#addConnection();
    added.connection.start();
    return added;
  }

  #addConnection(): Consuming {
    const { exchange, queueType } = this.#options;
    const consuming: Consuming = {
      consumers: 0,
      declarer: undefined,
      connection: new AmqpConnection({
        ...this.#delays,
        addresses: this.#addresses,
        name: "turn-channels consume",
        wireFaults: this.#wireFaults,
        setup: async (model) => {
          const declarer = new Declarer(model, queueType);
          await declarer.exchange(exchange);
          consuming.declarer = declarer;
        },
      }),
    };
    this.#consuming.push(consuming);
    return consuming;
  }

  #state(): BrokerStatus["state"] {
    if (this.#closed) return "closed";
    const publishing = this.#publisher.connection;
    if (!publishing.ready || !this.#isConsuming()) return "connecting";
    return publishing.blocked ? "blocked" : "open";
  }

  /** A consumer that can't consume its queue has a fault, and leaves the others alone. */
  #isConsuming(): boolean {
    if (!this.#consuming.every(({ connection }) => connection.ready)) return false;
    for (const { ready } of this.#consumers) if (ready) return true;
    return this.#consumers.size === 0;
  }

  /** The exchange may have been made anew, or a binding been removed: nobody would tell us. */
  async #bindAgain(): Promise<void> {
    const { exchange } = this.#options;
    const declarer = this.#publisher.declarer;
    if (declarer === undefined) return;
    try {
      await declarer.exchange(exchange);
    } catch (error) {
      // Without it nothing can be bound, which is reported for each queue. With one of another type
      // nothing is to be done at all, which new connections see to.
      if (error instanceof ExchangeTypeError) return this.#reset(error.message);
    }
    for (const queue of this.#bound) {
      try {
        await declarer.bind(exchange, queue);
        this.#faults.clear(queue, "bind");
      } catch (error) {
        if (declarer !== this.#publisher.declarer) return;
        this.#faults.report(queue, "bind", error);
      }
    }
  }

  #reset(reason: string): void {
    this.#publisher.connection.reset(reason);
    for (const { connection } of this.#consuming) connection.reset(reason);
  }

  async #close(): Promise<void> {
    clearInterval(this.#binding);
    const closed = Promise.all([...this.#consumers].map((consumer) => consumer.close()));
    const answered = new AbortController();
    // When nothing is in hand any more, so that whoever takes over does not overtake.
    const ended = closed.then(() =>
      Promise.all([...this.#leads.values()].map(({ lead }) => lead.close()))
    );
    const silent = delay(CLOSE_TIMEOUT_MS, undefined, answered).catch(() => {});
    await Promise.race([ended, silent]);
    answered.abort();
    const connections = this.#consuming.map(({ connection }) => connection);
    await Promise.all([this.#publisher, ...connections].map((connection) => connection.close()));
    // Their last calls have failed with the connection, so this waits for no server.
    for (const consumer of this.#consumers) await consumer.cancel();
  }
}
