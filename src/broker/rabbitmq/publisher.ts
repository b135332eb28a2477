// Publishes to vumi's queues. A queue is declared before the first message that goes to it on a
// connection, and again when it has gone; what can't be declared fails its own messages only.

import { setTimeout as delay } from "node:timers/promises";
import type { ChannelModel, Options } from "amqplib";
import { AmqpConnection, type AmqpConnectionOptions } from "./connection.ts";
import { ConfirmingChannel, ReturnedError } from "./confirms.ts";
import { Declarer, type DeclarerOptions } from "./declarer.ts";
import { HangWatch } from "./hang_watch.ts";
import type { QueueFaults } from "./queue_faults.ts";
import { within } from "../../async/mod.ts";
import { type Headers, shortened } from "../headers.ts";
import { PublishError } from "../mod.ts";

const PROPERTIES: Options.Publish = {
  mandatory: true,
  persistent: true,
  contentType: "application/json",
};

/** Pauses before a message that no queue took is sent again: RabbitMQ 4.3 routes to a new queue late. */
const AGAIN_AFTER_MS = [0, 50, 200, 500];

/** How long a message waits for its queue to be declared. */
const DECLARE_MS = 1_000;

/** How long what was sent before a block waits for its confirm; then it counts as unconfirmed. */
const BLOCKED_GRACE_MS = 1_000;

/** A connection that is away for longer is not waited for: so in an outage all fail at once. */
const MOMENT_MS = 5_000;
/** The longest wait: Turn waits for 5 seconds, and some are needed for the rest. */
const WAIT_MS = 4_000;

type AmqpPublisherOptions = DeclarerOptions & Omit<AmqpConnectionOptions, "setup" | "onBlocked"> & {
  readonly faults: QueueFaults;
};

export class AmqpPublisher {
  readonly connection: AmqpConnection;
  /** Undefined while there is no connection. */
  declarer: Declarer | undefined;
  readonly #options: AmqpPublisherOptions;
  readonly #queues = new Set<string>();
  /** Queues that are there on this connection (true), and those that are being declared. */
  #declared = new Map<string, true | Promise<void>>();
  readonly #hangWatch: HangWatch;
  #channel: ConfirmingChannel | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;

  constructor(options: AmqpPublisherOptions) {
    this.#options = options;
    this.#hangWatch = new HangWatch({ isCluster: options.addresses.length > 1 });
    this.connection = new AmqpConnection({
      ...options,
      setup: (model) => this.#setup(model),
      onBlocked: (blocked) => this.#onBlocked(blocked),
    });
  }

  declare(queue: string): void {
    this.#queues.add(queue);
    if (this.#channel) void this.#ensure(queue);
  }

  /** Declares a queue again that may have been deleted, if it was declared before. */
  async restore(queue: string): Promise<void> {
    this.#forget(queue);
    await this.#ensure(queue);
  }

  async publish(queue: string, body: Uint8Array, headers?: Headers): Promise<void> {
    const properties = headers === undefined
      ? PROPERTIES
      : { ...PROPERTIES, headers: shortened(headers) };
    if (!this.connection.ready) await waitAMoment(this.connection);
    for (const pauseMs of AGAIN_AFTER_MS) {
      if (this.#declared.get(queue) !== true) await this.#ensureSoon(queue);
      try {
        return await this.#send(queue, body, properties);
      } catch (error) {
        if (!(error instanceof ReturnedError)) throw error;
      }
      // No queue took it: it was deleted, or is so new that the server does not know it yet.
      await delay(pauseMs);
      this.#forget(queue);
    }
    await this.#ensureSoon(queue);
    await this.#send(queue, body, properties);
  }

  /** Fails what is not confirmed yet, and closes the connection. */
  async close(): Promise<void> {
    this.#channel = undefined;
    await this.connection.close();
  }

  #send(queue: string, body: Uint8Array, properties: Options.Publish): Promise<void> {
    const channel = this.#channel;
    if (channel === undefined || this.connection.blocked) throw this.unavailable(queue);
    const { exchange } = this.#options;
    return channel.publish({ exchange, routingKey: queue, queue }, body, properties);
  }

  async #setup(model: ChannelModel): Promise<void> {
    const declarer = new Declarer(model, this.#options);
    await declarer.exchange();
    const channel = await model.createConfirmChannel();
    // The error, of a deleted exchange for example, is followed by `close`, but tells more.
    channel.on("error", (error) => this.connection.reset(error.message));
    const confirming = new ConfirmingChannel(channel);
    const unwatch = this.#hangWatch.watch({
      model,
      channel: confirming,
      isBlocked: () => this.connection.blocked,
      onHang: (reason, isFine) => this.connection.reset(reason, { isFine }),
    });
    channel.on("close", () => {
      unwatch();
      this.#channel = undefined;
      this.declarer = undefined;
    });
    this.declarer = declarer;
    this.#declared = new Map();
    this.#channel = confirming;
    for (const queue of this.#queues) void this.#ensure(queue);
  }

  /** Has a queue declared again; not one that is being declared, as that may hang. */
  #forget(queue: string): void {
    if (this.#declared.get(queue) === true) this.#declared.delete(queue);
  }

  /** Declares a queue, once on a connection. Never rejects: what can't be declared may be there. */
  #ensure(queue: string): Promise<void> {
    const known = this.#declared.get(queue);
    if (known === true || !this.#queues.has(queue)) return Promise.resolve();
    if (known !== undefined) return known;
    const declarer = this.declarer;
    if (declarer === undefined) return Promise.resolve();
    const declared = this.#declared;
    const { faults } = this.#options;
    const declaring = declarer.queue(queue).then(
      () => {
        declared.set(queue, true);
        faults.clear(queue, "declare");
      },
      (error) => {
        declared.delete(queue);
        if (declarer === this.declarer) faults.report(queue, "declare", error);
      },
    );
    declared.set(queue, declaring);
    return declaring;
  }

  /** Declares a queue, but does not wait long: one that hangs says nothing of a queue that is there. */
  async #ensureSoon(queue: string): Promise<void> {
    await within(this.#ensure(queue), DECLARE_MS);
  }

  /** Lets what was sent before the block wait for its confirm, but not long. */
  #onBlocked(blocked: boolean): void {
    if (!blocked) {
      clearTimeout(this.#grace);
      this.#grace = undefined;
      return;
    }
    this.#grace ??= setTimeout(() => {
      this.#channel?.giveUp("RabbitMQ has blocked publishing");
    }, BLOCKED_GRACE_MS);
  }

  unavailable(queue: string): PublishError {
    const why = this.connection.closing.aborted
      ? "the broker is closed"
      : this.connection.blocked
      ? "RabbitMQ has blocked publishing"
      : "there is no connection to RabbitMQ";
    return new PublishError("unavailable", `Cannot publish to ${queue}: ${why}`);
  }
}

export type AwaitedConnection = Pick<AmqpConnection, "ready" | "awayMs" | "model" | "closing">;

/**
 * Waits up to 4 seconds for a connection that is away for a moment only: at a start, at a restart of the
 * server's, or while another node is tried. Whoever publishes meanwhile does not notice. Resolves when
 * it is there, or to wait for longer is of no use; at once in an outage.
 */
export async function waitAMoment(connection: AwaitedConnection): Promise<void> {
  const { ready, awayMs, closing } = connection;
  if (ready || closing.aborted || awayMs >= MOMENT_MS) return;
  await within(connection.model(), WAIT_MS, closing);
}
