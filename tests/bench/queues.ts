/**
 * The benchmark's own hand on the queues: lays backlogs, publishes at a pace, empties.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { eventAbout } from "./people.ts";

/** Payloads on their way to a confirm at once. */
const WINDOW = 2_000;

/** A connection to RabbitMQ. */
export class Queues implements AsyncDisposable {
  readonly #connection: ChannelModel;
  readonly #channel: ConfirmChannel;

  private constructor(connection: ChannelModel, channel: ConfirmChannel) {
    this.#connection = connection;
    this.#channel = channel;
  }

  /** Connects. */
  static async connect(url: string): Promise<Queues> {
    const connection = await connect(url);
    return new Queues(connection, await connection.createConfirmChannel());
  }

  /** Publishes one after the other, each confirmed in the end. */
  async fill(queue: string, payloads: Iterable<unknown>): Promise<void> {
    let sent = 0;
    for (const payload of payloads) {
      this.#publish(queue, payload);
      if (++sent % WINDOW === 0) await this.#channel.waitForConfirms();
    }
    await this.#channel.waitForConfirms();
  }

  /** Publishes so many a second. Answers when each was, in milliseconds since 1970. */
  async pace(queue: string, payloads: readonly unknown[], perSecond: number): Promise<number[]> {
    const times: number[] = [];
    const begin = performance.now();
    for (const [index, payload] of payloads.entries()) {
      const aheadMs = index * 1000 / perSecond - (performance.now() - begin);
      if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
      times.push(performance.timeOrigin + performance.now());
      this.#publish(queue, payload);
    }
    await this.#channel.waitForConfirms();
    return times;
  }

  /** Says of each message of a connector that the operator has it, until it is disposed of. */
  async ackAll(connector: string): Promise<AsyncDisposable> {
    const { consumerTag } = await this.#channel.consume(`${connector}.outbound`, (message) => {
      if (message === null) return;
      const { message_id } = JSON.parse(message.content.toString());
      this.#publish(`${connector}.event`, eventAbout(message_id));
    }, { noAck: true });
    return { [Symbol.asyncDispose]: async () => void await this.#channel.cancel(consumerTag) };
  }

  /** Drops what waits. */
  async purge(queue: string): Promise<void> {
    await this.#channel.purgeQueue(queue);
  }

  /** Deletes all queues of a connector. */
  async remove(connector: string): Promise<void> {
    for (const end of ["inbound", "event", "outbound", "inbound.parked", "event.parked"]) {
      await this.#channel.deleteQueue(`${connector}.${end}`);
    }
  }

  /** Milliseconds to connect and declare a queue, without any of ours. */
  static async handshake(url: string): Promise<number> {
    const begin = performance.now();
    const connection = await connect(url);
    const channel = await connection.createChannel();
    await channel.assertQueue("", { exclusive: true });
    const ms = performance.now() - begin;
    await connection.close();
    return ms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }

  #publish(queue: string, payload: unknown): void {
    const properties = { deliveryMode: 2, contentType: "application/json" };
    this.#channel.publish("vumi", queue, Buffer.from(JSON.stringify(payload)), properties);
  }
}
