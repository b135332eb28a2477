/**
 * The operator's side of a connector: a vumi transport, played with a bare AMQP client of its own, so
 * that what it sees is what any neighbour would see.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type ChannelModel, type ConfirmChannel, connect, type ConsumeMessage } from "amqplib";
import { makeByHand, workersQueue } from "./queues.ts";
import { delayQueue } from "../../src/broker/mod.ts";
import { amqpUrl } from "./rabbitmq.ts";
import { until } from "./until.ts";

/** An outbound message as the transport got it. */
export interface Outbound {
  /** The parsed payload. */
  readonly message: Record<string, unknown>;
  /** The bytes and properties. */
  readonly raw: ConsumeMessage;
}

/** A user's message as vumi writes it; the fields that vumi requires have defaults. */
export function inboundMessage(fields: Record<string, unknown> = {}): unknown {
  return {
    message_id: crypto.randomUUID().replaceAll("-", ""),
    to_addr: "8110",
    from_addr: "+26612345678",
    transport_name: "smpp_transport",
    transport_type: "sms",
    message_type: "user_message",
    message_version: "20110921",
    timestamp: "2015-06-15 13:00:00.000000",
    content: "Hello world!",
    ...fields,
  };
}

/** Plays the transport of one connector. Disposing deletes the connector's queues. */
export class Transport implements AsyncDisposable {
  /** What came on `<connector>.outbound`, in order. */
  readonly outbound: Outbound[] = [];
  /** Called for each of them, as it comes. */
  onOutbound: (outbound: Outbound) => void = () => {};
  readonly #connector: string;
  readonly #connection: ChannelModel;
  readonly #channel: ConfirmChannel;
  #consumerTag = "";

  private constructor(connector: string, connection: ChannelModel, channel: ConfirmChannel) {
    this.#connector = connector;
    this.#connection = connection;
    this.#channel = channel;
  }

  /** Declares the three queues as a worker does, and consumes `.outbound`. */
  static async connect(connector: string): Promise<Transport> {
    const connection = await connect(amqpUrl());
    const channel = await connection.createConfirmChannel();
    const transport = new Transport(connector, connection, channel);
    await channel.assertExchange("vumi", "direct", { durable: true });
    for (const end of ["inbound", "event", "outbound"]) {
      const queue = `${connector}.${end}`;
      await channel.assertQueue(queue, workersQueue());
      await channel.bindQueue(queue, "vumi", queue);
    }
    const ours = ["inbound.parked", "event.parked", "held.parked"];
    await makeByHand(connection, ours.map((end) => `${connector}.${end}`));
    await transport.takeAgain();
    return transport;
  }

  /** Consumes `.outbound`, after it was left to others. */
  async takeAgain(): Promise<void> {
    const { consumerTag } = await this.#channel.consume(`${this.#connector}.outbound`, (raw) => {
      if (raw === null) return; // The queue was deleted.
      const outbound = { message: JSON.parse(raw.content.toString()), raw };
      this.outbound.push(outbound);
      this.#channel.ack(raw);
      this.onOutbound(outbound);
    });
    this.#consumerTag = consumerTag;
  }

  /** Leaves `.outbound` to others. */
  async takeNoMore(): Promise<void> {
    await this.#channel.cancel(this.#consumerTag);
  }

  /** Resolves with the outbound messages when there are `count`. */
  async received(count: number): Promise<readonly Outbound[]> {
    await until(`${count} outbound messages`, () => this.outbound.length >= count);
    return this.outbound;
  }

  /** Puts a user's message on `.inbound`; the fields that vumi requires have defaults. */
  sendInbound(fields: Record<string, unknown> = {}): Promise<void> {
    return this.publish("inbound", inboundMessage(fields));
  }

  /** Puts an event on `.event`. */
  sendEvent(fields: Record<string, unknown>): Promise<void> {
    return this.publish("event", {
      event_id: crypto.randomUUID().replaceAll("-", ""),
      message_type: "event",
      message_version: "20110921",
      timestamp: "2015-06-15 13:00:00.000000",
      ...fields,
    });
  }

  /** Publishes to `<connector>.<end>` and waits for the confirm; bytes go as they are. */
  async publish(
    end: string,
    payload: unknown,
    headers: Record<string, unknown> = {},
  ): Promise<void> {
    const body = payload instanceof Uint8Array ? payload : JSON.stringify(payload);
    this.#channel.publish(
      await this.#exchange(end),
      `${this.#connector}.${end}`,
      Buffer.from(body),
      {
        deliveryMode: 2,
        headers,
      },
    );
    await this.#channel.waitForConfirms();
  }

  /** The same for many, confirmed at the end. */
  async publishAll(
    end: string,
    payloads: readonly unknown[],
    headers: Record<string, unknown>,
  ): Promise<void> {
    const exchange = await this.#exchange(end);
    for (const payload of payloads) {
      const body = Buffer.from(JSON.stringify(payload));
      this.#channel.publish(exchange, `${this.#connector}.${end}`, body, {
        deliveryMode: 2,
        headers,
      });
    }
    await this.#channel.waitForConfirms();
  }

  /** Takes one message off `<connector>.<end>`, waiting until there is one. */
  async take(end: string): Promise<ConsumeMessage> {
    await this.#declare(end);
    let taken: Awaited<ReturnType<ConfirmChannel["get"]>> = false;
    await until(`a message on .${end}`, async () => {
      taken = await this.#channel.get(`${this.#connector}.${end}`, { noAck: true });
      return taken !== false;
    });
    assert.ok(taken !== false);
    return taken;
  }

  /** How many messages wait on `<connector>.<end>`, those in work not counted. */
  async depth(end: string): Promise<number> {
    return (await this.#declare(end)).messageCount;
  }

  /** The same of a queue that is there, whatever its arguments. */
  async passiveDepth(end: string): Promise<number> {
    return (await this.#channel.checkQueue(`${this.#connector}.${end}`)).messageCount;
  }

  /** How many consume a queue that is there. */
  async consumers(end: string): Promise<number> {
    return (await this.#channel.checkQueue(`${this.#connector}.${end}`)).consumerCount;
  }

  /** Deletes the messages in `<connector>.<end>`. */
  async purge(end: string): Promise<void> {
    await this.#channel.purgeQueue(`${this.#connector}.${end}`);
  }

  /** Resolves when somebody consumes `<connector>.<end>`. */
  async consumed(end: string): Promise<void> {
    await until(`a consumer of .${end}`, async () => {
      return (await this.#channel.checkQueue(`${this.#connector}.${end}`)).consumerCount > 0;
    });
  }

  /** Queues that are not vumi's are bound to none, and may not be there. */
  async #exchange(end: string): Promise<"" | "vumi"> {
    if (["inbound", "event", "outbound"].includes(end)) return "vumi";
    await this.#declare(end);
    return "";
  }

  /** To look at a queue that is not there would cost the channel. */
  #declare(end: string): ReturnType<ConfirmChannel["assertQueue"]> {
    return this.#channel.assertQueue(`${this.#connector}.${end}`, workersQueue());
  }

  /** Deletes `<connector>.<end>`. */
  async deleteQueue(end: string): Promise<void> {
    await this.#channel.deleteQueue(`${this.#connector}.${end}`);
  }

  /** How many messages wait in the delay queue of all connectors. */
  async delayed(delayMs: number): Promise<number> {
    const channel = await this.#connection.createChannel();
    channel.on("error", () => {}); // To ask for a queue that is not there ends the channel.
    try {
      const { messageCount } = await channel.checkQueue(delayQueue(delayMs));
      await channel.close();
      return messageCount;
    } catch {
      return 0;
    }
  }

  /** Deletes the messages that wait in the delay queue of all connectors. */
  async purgeDelayed(delayMs: number): Promise<void> {
    await this.#channel.purgeQueue(delayQueue(delayMs));
  }

  /** Deletes the delay queue of all connectors, and the exchange before it. */
  async deleteDelay(delayMs: number): Promise<void> {
    await this.#channel.deleteQueue(delayQueue(delayMs));
    await this.#channel.deleteExchange(delayQueue(delayMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (
      const end of [
        ...["inbound", "event", "outbound", "lead", "held", "held.sms"],
        ...["inbound.parked", "event.parked", "outbound.parked", "held.parked"],
      ]
    ) {
      await this.deleteQueue(end);
    }
    await this.#connection.close();
  }
}
