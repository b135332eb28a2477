/**
 * The adapter for RabbitMQ. It publishes and consumes on separate connections, so that an alarm of
 * the server, which blocks connections that publish, does not keep messages from being consumed.
 *
 * What is where: publisher.ts publishes to vumi's queues and copies.ts to those of ours, both with
 * confirms.ts; consumer.ts hands messages to handlers and answers.ts does what these decide, on a
 * session.ts; lead.ts says which of several programs consumes; browse.ts looks into queues. All of
 * them live on a connection.ts, where declarer.ts declares what is missing. codec/ reads and writes
 * the properties of messages without loss, and check/ tries a server out for an operator.
 *
 * @module
 */

import { type AmqpAddress, type AmqpTls, parseAddress } from "./address.ts";
import { AmqpDepths, browse } from "./browse.ts";
import { type ConsumeConnection, ConsumeConnections } from "./consume_connections.ts";
import { AmqpConsumer } from "./consumer.ts";
import { AmqpCopies } from "./copies.ts";
import { ExchangeTypeError, type QueueType } from "./declarer.ts";
import { AmqpLead } from "./lead.ts";
import { AmqpPublisher } from "./publisher.ts";
import { QueueFaults } from "./queue_faults.ts";
import { type BackoffOptions, sleep } from "../../async/mod.ts";
import type {
  Broker,
  BrokerStatus,
  ConsumeOptions,
  Consumer,
  Decide,
  Handler,
  Headers,
  LeadOptions,
} from "../mod.ts";

/** How {@linkcode AmqpBroker.open} connects. */
export interface AmqpBrokerOptions {
  /**
   * `amqp://user:password@host:port/vhost`, or `amqps://…` for TLS; several are the nodes of one
   * cluster, of which one that can be reached is taken.
   */
  readonly urls: readonly string[];
  /** For `amqps://…`. */
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

/** A {@linkcode Broker} on RabbitMQ. */
export class AmqpBroker implements Broker {
  readonly #exchange: string;
  readonly #delays: BackoffOptions;
  readonly #faults = new QueueFaults();
  readonly #publisher: AmqpPublisher;
  readonly #copies: AmqpCopies;
  readonly #connections: ConsumeConnections;
  readonly #depths: AmqpDepths;
  /** Those that are not cancelled. */
  readonly #consumers = new Set<AmqpConsumer>();
  /** By queue, with the connections of what is consumed under them. */
  readonly #leads = new Map<string, { readonly lead: AmqpLead; readonly on: ConsumeConnection }>();
  readonly #bound = new Set<string>();
  readonly #binding: ReturnType<typeof setInterval>;
  #closed: Promise<unknown> | undefined;

  private constructor(options: AmqpBrokerOptions, addresses: readonly AmqpAddress[]) {
    const { exchange, queueType, blockedGraceMs = 1000, bindEveryMs = 60_000 } = options;
    const { initialDelayMs = 100, maxDelayMs = 30_000 } = options;
    this.#exchange = exchange;
    this.#delays = { initialDelayMs, maxDelayMs };
    const shared = { ...this.#delays, addresses, exchange, queueType };
    this.#publisher = new AmqpPublisher({
      ...shared,
      blockedGraceMs,
      faults: this.#faults,
      name: "turn-channels publish",
    });
    this.#copies = new AmqpCopies(this.#publisher);
    this.#connections = new ConsumeConnections(shared);
    this.#depths = new AmqpDepths(this.#connections.first);
    this.#binding = setInterval(() => void this.#bindAgain(), bindEveryMs);
  }

  /**
   * Begins to connect and returns at once.
   *
   * @throws {TypeError} If a URL can't be read, or there is none.
   */
  static open(options: AmqpBrokerOptions): AmqpBroker {
    const { urls, tls } = options;
    if (urls.length === 0) throw new TypeError("Cannot connect to RabbitMQ: no address");
    const broker = new AmqpBroker(options, urls.map((url) => parseAddress(url, tls)));
    broker.#publisher.connection.start();
    broker.#connections.first.start();
    return broker;
  }

  /**
   * Waits until messages can be published and queues be looked at, or it is known why not.
   *
   * @throws {PublishError} If there is no connection after `timeoutMs` milliseconds, with the reason
   * in words for an operator; at once if the login is refused.
   */
  async ready(timeoutMs: number): Promise<void> {
    const connections = [this.#publisher.connection, this.#connections.first];
    await Promise.all(connections.map((connection) => connection.connected(timeoutMs)));
  }

  declare(queue: string): void {
    this.#bound.add(queue);
    this.#publisher.declare(queue);
  }

  publish(queue: string, body: Uint8Array, headers?: Headers): Promise<void> {
    return this.#publisher.publish(queue, body, headers);
  }

  consume(queue: string, options: ConsumeOptions, handler: Handler): Consumer {
    const led = options.lead && this.#lead(options.lead);
    const own = led?.on ?? this.#connections.withRoom();
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
      declare: async () => void await own.declarer?.queue(this.#exchange, queue),
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

  leads(queue: string): boolean {
    return this.#leads.get(queue)?.lead.leads ?? false;
  }

  browse(queue: string, decide: Decide): Promise<void> {
    const options = {
      connection: this.#connections.first,
      copies: this.#copies,
      restore: (moveTo: string) => this.#publisher.restore(moveTo),
    };
    return browse(options, queue, decide);
  }

  depth(queue: string): Promise<number | undefined> {
    return this.#depths.of(queue);
  }

  async connected(): Promise<void> {
    await this.#publisher.connection.model();
  }

  status(): BrokerStatus {
    const publishing = this.#publisher.connection;
    const { first } = this.#connections;
    return {
      state: this.#state(),
      publishing: !this.#closed && publishing.ready && !publishing.blocked,
      consuming: !this.#closed && this.#isConsuming(),
      serverProperties: first.serverProperties,
      reason: publishing.reason ?? first.reason,
      faults: this.#faults.all(),
    };
  }

  /** Puts back what is not answered, fails what is not confirmed, and closes; within seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  /** All consumers that name the same queue are led together, on one connection. */
  #lead(options: LeadOptions): { readonly lead: AmqpLead; readonly on: ConsumeConnection } {
    const known = this.#leads.get(options.queue);
    if (known !== undefined) return known;
    const on = this.#connections.withRoom();
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

  #state(): BrokerStatus["state"] {
    if (this.#closed) return "closed";
    const publishing = this.#publisher.connection;
    if (!publishing.ready || !this.#isConsuming()) return "connecting";
    return publishing.blocked ? "blocked" : "open";
  }

  /** One consumer is enough: another that can't consume its queue has a fault of its own. */
  #isConsuming(): boolean {
    if (!this.#connections.ready) return false;
    for (const { ready } of this.#consumers) if (ready) return true;
    return this.#consumers.size === 0;
  }

  /** The exchange may have been made anew, or a binding been removed: RabbitMQ tells nobody. */
  async #bindAgain(): Promise<void> {
    const exchange = this.#exchange;
    const declarer = this.#publisher.declarer;
    if (declarer === undefined) return;
    try {
      await declarer.exchange(exchange);
    } catch (error) {
      // Without it nothing can be bound, which is reported for each queue. With one of another type
      // nothing is to be done at all, which new connections see to.
      if (error instanceof ExchangeTypeError) {
        this.#publisher.connection.reset(error.message);
        return this.#connections.reset(error.message);
      }
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

  async #close(): Promise<void> {
    clearInterval(this.#binding);
    const closed = Promise.all([...this.#consumers].map((consumer) => consumer.close()));
    const answered = new AbortController();
    // When nothing is in hand any more, so that whoever takes over does not overtake.
    const ended = closed.then(() =>
      Promise.all([...this.#leads.values()].map(({ lead }) => lead.close()))
    );
    await Promise.race([ended, sleep(CLOSE_TIMEOUT_MS, answered.signal)]);
    answered.abort();
    await Promise.all([this.#publisher.close(), this.#connections.close()]);
    // Their last calls have failed with the connection, so this waits for no server.
    for (const consumer of this.#consumers) await consumer.cancel();
  }
}
