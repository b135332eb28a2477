// The adapter for RabbitMQ. It publishes and consumes on separate connections, so that an alarm of
// the server, which blocks connections that publish, does not keep messages from being consumed.
//
// What is where: publisher.ts publishes to vumi's queues and copies.ts to those of ours, both with
// confirms.ts; consumer.ts hands messages to handlers and answers.ts does what these decide, on a
// session.ts; lead.ts says which of several programs consumes; browse.ts looks into queues. All of
// them live on a connection.ts, where declarer.ts declares what is missing. codec/ reads and writes
// the properties of messages without loss, and check/ tries a server out for an operator.

import { type AmqpTls, parseAddress } from "./address.ts";
import { AmqpDepths, browse } from "./browse.ts";
import { CLOSE_TIMEOUT_MS } from "./connection.ts";
import { ConsumeConnections } from "./consume_connections.ts";
import { AmqpConsumer } from "./consumer.ts";
import { AmqpCopies } from "./copies.ts";
import { type DeclarerOptions, ExchangeTypeError } from "./declarer.ts";
import { AmqpLead, type AmqpLeadOptions } from "./lead.ts";
import { AmqpPublisher } from "./publisher.ts";
import { QueueFaults } from "./queue_faults.ts";
import { type BackoffOptions, within } from "../../async/mod.ts";
import type {
  Broker,
  BrokerStatus,
  ConsumeOptions,
  Consumer,
  Decide,
  DeclareOptions,
  Handler,
  Headers,
  LeadOptions,
} from "../mod.ts";

/** Pauses before connecting again are 100 to 30000 ms, unless given. */
export interface AmqpBrokerOptions extends DeclarerOptions, Partial<BackoffOptions> {
  /**
   * `amqp://user:password@host:port/vhost`, or `amqps://…` for TLS; several are the nodes of one
   * cluster, of which one that can be reached is taken.
   */
  readonly urls: readonly string[];
  readonly tls?: AmqpTls;
  /** How often bindings are looked after, in milliseconds, 60000 by default. */
  readonly bindEveryMs?: number;
  /** How often who leads gets a new token; see lead.ts. */
  readonly tokenMs?: number | undefined;
}

export class AmqpBroker implements Broker {
  readonly #faults = new QueueFaults();
  readonly #publisher: AmqpPublisher;
  readonly #connections: ConsumeConnections;
  readonly #depths: AmqpDepths;
  readonly #shared: Omit<AmqpLeadOptions, keyof LeadOptions | "on">;
  readonly #consumers = new Set<AmqpConsumer>();
  readonly #leads = new Map<string, AmqpLead>();
  readonly #bound = new Set<string>();
  /** Those of them that are our own. */
  readonly #boundOwn = new Set<string>();
  readonly #binding: ReturnType<typeof setInterval>;
  #isBinding = false;
  #closed: Promise<unknown> | undefined;

  private constructor(options: AmqpBrokerOptions) {
    const { urls, tls, exchange, queueType, bindEveryMs = 60_000, tokenMs } = options;
    const { initialDelayMs = 100, maxDelayMs = 30_000 } = options;
    const delays = { initialDelayMs, maxDelayMs };
    const addresses = urls.map((url) => parseAddress(url, tls));
    const boundOwn = this.#boundOwn;
    const connect = { ...delays, addresses, exchange, queueType, boundOwn };
    const name = "turn-channels publish";
    this.#publisher = new AmqpPublisher({ ...connect, name, faults: this.#faults });
    this.#connections = new ConsumeConnections(connect);
    this.#depths = new AmqpDepths(this.#connections.first);
    const copies = new AmqpCopies(this.#publisher);
    this.#shared = { ...delays, copies, faults: this.#faults, isCluster: urls.length > 1, tokenMs };
    this.#binding = setInterval(() => void this.#bindUnlessBusy(), bindEveryMs);
  }

  /**
   * Begins to connect and returns at once.
   * @throws {TypeError} If a URL can't be read, or there is none.
   */
  static open(options: AmqpBrokerOptions): AmqpBroker {
    if (options.urls.length === 0) throw new TypeError("Cannot connect to RabbitMQ: no address");
    const broker = new AmqpBroker(options);
    broker.#publisher.connection.start();
    broker.#connections.first.start();
    return broker;
  }

  /**
   * Waits until messages can be published and queues be looked at, or it is known why not.
   * @throws {PublishError} If there is no connection after `timeoutMs` milliseconds, with the reason
   * in words for an operator; at once if the login is refused.
   */
  async ready(timeoutMs: number): Promise<void> {
    const connections = [this.#publisher.connection, this.#connections.first];
    await Promise.all(connections.map((connection) => connection.connected(timeoutMs)));
  }

  declare(queue: string, { isOwn = false }: DeclareOptions = {}): void {
    if (isOwn) this.#boundOwn.add(queue);
    this.#bound.add(queue);
    this.#publisher.declare(queue);
  }

  publish(queue: string, body: Uint8Array, headers?: Headers): Promise<void> {
    return this.#publisher.publish(queue, body, headers);
  }

  consume(queue: string, options: ConsumeOptions, handler: Handler): Consumer {
    const lead = options.lead && this.#lead(options.lead);
    const on = lead?.on ?? this.#connections.withRoom();
    on.consumers++;
    if (options.isOwn) this.#boundOwn.add(queue);
    this.#bound.add(queue);
    const consumer = new AmqpConsumer({ ...this.#shared, ...options, queue, handler, on, lead });
    this.#consumers.add(consumer);
    return {
      cancel: () => {
        if (this.#consumers.delete(consumer)) on.consumers--;
        return consumer.cancel();
      },
      settled: () => consumer.settled(),
    };
  }

  leads(queue: string): boolean {
    return this.#leads.get(queue)?.leads ?? false;
  }

  browse(queue: string, decide: Decide): Promise<void> {
    const connection = this.#connections.first;
    const options = { connection, copies: this.#shared.copies, publisher: this.#publisher };
    return browse(options, queue, decide);
  }

  async depth(queue: string): Promise<number | undefined> {
    return (await this.#depths.of(queue))?.messageCount;
  }

  /** How many programs consume `queue`: 0 if there is no such queue. For errors see `depth`. */
  async consumersOf(queue: string): Promise<number> {
    return (await this.#depths.of(queue))?.consumerCount ?? 0;
  }

  async connected(): Promise<void> {
    await this.#publisher.connection.model();
  }

  status(): BrokerStatus {
    const { ready, blocked, reason } = this.#publisher.connection;
    const { first } = this.#connections;
    const isClosed = this.#closed !== undefined;
    const consuming = !isClosed && this.#isConsuming();
    const isUp = ready && consuming;
    return {
      state: isClosed ? "closed" : !isUp ? "connecting" : blocked ? "blocked" : "open",
      publishing: !isClosed && ready && !blocked,
      consuming,
      reason: reason ?? first.reason,
      faults: this.#faults.all(),
    };
  }

  /** Puts back what is not answered, fails what is not confirmed, and closes within seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  /** The lead of all consumers that name the same queue, on one connection. */
  #lead(options: LeadOptions): AmqpLead {
    const known = this.#leads.get(options.queue);
    if (known !== undefined) return known;
    const on = this.#connections.withRoom();
    on.consumers++;
    const lead = new AmqpLead({ ...this.#shared, ...options, on });
    this.#leads.set(options.queue, lead);
    return lead;
  }

  /** Whether at least one consumer works: another that can't consume its queue has a fault of its own. */
  #isConsuming(): boolean {
    if (!this.#connections.ready) return false;
    for (const { ready } of this.#consumers) if (ready) return true;
    return this.#consumers.size === 0;
  }

  /** Binds again, unless it still does: RabbitMQ may take a minute to answer about a single queue. */
  async #bindUnlessBusy(): Promise<void> {
    if (this.#isBinding) return;
    this.#isBinding = true;
    await this.#bindAgain();
    this.#isBinding = false;
  }

  /** Restores exchange and bindings: RabbitMQ tells nobody when they were deleted. */
  async #bindAgain(): Promise<void> {
    const declarer = this.#publisher.declarer;
    if (declarer === undefined) return;
    try {
      await declarer.exchange();
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
        await declarer.bind(queue);
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
    // When nothing is in hand any more, so that whoever takes over does not overtake.
    const ended = closed.then(() =>
      Promise.all([...this.#leads.values()].map((lead) => lead.close()))
    );
    await within(ended, CLOSE_TIMEOUT_MS);
    await Promise.all([this.#publisher.close(), this.#connections.close()]);
    // Their last calls have failed with the connection, so this waits for no server.
    for (const consumer of this.#consumers) await consumer.cancel();
  }
}
