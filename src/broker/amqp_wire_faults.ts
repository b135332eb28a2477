/**
 * The net below {@linkcode installCodec}: a delivery that ends its channel or its connection comes
 * again, and would end the next one, for ever. So what was in hand at such an end is remembered
 * across connections, and when the same has done it three times it is handed to its consumer with
 * its bytes only, and marked, to be parked unread.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { ChannelModel } from "amqplib";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { COUNTS, rawProperties } from "./amqp_kept.ts";
import { entriesOf } from "./amqp_field.ts";
import { WIRE, type WireProperties } from "./amqp_properties.ts";
import { BASIC, type WireChannel, type WireConnection, type WireFrame } from "./amqp_wire.ts";

const log = getLogger(["turn-channels", "broker"]);

/** How often a delivery may end what it comes on. */
const MAX_ENDS = 3;
/** How many deliveries are remembered; then the oldest is forgotten. */
const MAX_REMEMBERED = 1000;

const DELIVER = BASIC << 16 | 60, GET_OK = BASIC << 16 | 71;

/** A delivery, from its first frame until its consumer has it. */
interface InHand {
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  properties?: WireProperties;
  /** How many bytes of the body are to come; undefined before the properties. */
  left?: number;
  /** The last part of the body, when all is there. */
  body?: Buffer;
}

/** Why the message is to be parked without a look at it, if it is. */
export function parkUnread(properties: WireProperties): string | undefined {
  return properties[WIRE]?.ended;
}

/** What deliveries have done to the connections of one broker. */
export class WireFaults {
  /** How often, and why the last time; by {@linkcode identify}. */
  readonly #ends = new Map<string, { readonly times: number; readonly reason: string }>();

  /** Watches what is delivered on a connection, for as long as that lives. */
  watch(model: ChannelModel): void {
    const connection = model.connection as unknown as WireConnection;
    const { accept, recvFrame } = connection;
    const inHand = new Map<number, InHand>();
    const watched = new WeakSet<object>();
    connection.recvFrame = () => {
      try {
        return recvFrame.call(connection);
      } catch (error) {
        for (const delivery of inHand.values()) this.#note(delivery, error);
        throw error;
      }
    };
    connection.accept = (frame) => {
      const delivery = this.#track(inHand, frame);
      if (!delivery) return accept.call(connection, frame);
      const channel = connection.channels[frame.channel]?.channel;
      if (channel && !watched.has(channel)) {
        watched.add(channel);
        this.#watchChannel(channel, () => inHand.get(frame.channel));
      }
      try {
        accept.call(connection, frame);
      } catch (error) {
        this.#note(delivery, error);
        throw error;
      }
      if (delivery.left === 0) inHand.delete(frame.channel);
    };
  }

  /** amqplib does not let an exception through that is thrown at a delivery: it ends the channel. */
  #watchChannel(channel: WireChannel["channel"], inHand: () => InHand | undefined): void {
    const { closeWithError } = channel;
    channel.closeWithError = (...call) => {
      const delivery = inHand();
      const [, , , error] = call;
      if (delivery) this.#note(delivery, error);
      closeWithError.apply(channel, call);
    };
  }

  /** The delivery that the frame belongs to. */
  #track(inHand: Map<number, InHand>, frame: WireFrame): InHand | undefined {
    const { channel, id, content } = frame;
    if (id === DELIVER || id === GET_OK) {
      // The arguments of both have these.
      const { exchange, routingKey, redelivered } = frame.fields as InHand;
      inHand.set(channel, { exchange, routingKey, redelivered });
      return inHand.get(channel);
    }
    if (id !== BASIC && content === undefined) return undefined;
    const delivery = inHand.get(channel);
    if (!delivery) return undefined;
    if (id === BASIC) {
      delivery.properties = frame.fields as WireProperties; // By our codec.
      delivery.left = frame.size ?? 0;
      this.#judge(delivery);
    } else if (content && delivery.left !== undefined) {
      delivery.left -= content.length;
      if (delivery.left === 0) {
        delivery.body = content;
        this.#judge(delivery);
      }
    }
    return delivery;
  }

  #note(delivery: InHand, error: unknown): void {
    const key = identify(delivery);
    const times = (this.#ends.get(key)?.times ?? 0) + 1;
    const reason = error instanceof Error ? error.message : String(error);
    this.#ends.set(key, { times, reason });
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > MAX_REMEMBERED && oldest !== undefined) this.#ends.delete(oldest);
    const { exchange, routingKey } = delivery;
    const values = { exchange, routingKey, times, reason };
    log.error("To take a message for {routingKey} has ended its channel: {reason}", values);
  }

  /** Leaves nothing to fail at, if the delivery has done so too often. */
  #judge(delivery: InHand): void {
    const { properties, redelivered } = delivery;
    // What has ended something has been delivered before.
    if (!redelivered || this.#ends.size === 0 || !properties) return;
    const { times, reason } = this.#ends.get(identify(delivery)) ?? { times: 0, reason: "" };
    const wire = properties[WIRE];
    if (times < MAX_ENDS || !wire) return;
    const ended = `to take it has ended the connection to RabbitMQ ${times} times: ${reason}`;
    properties[WIRE] = { ...wire, ended };
    for (const name of Object.keys(properties)) Reflect.set(properties, name, undefined);
  }
}

/**
 * The same for the same message, whichever connection it comes on. That RabbitMQ counts deliveries in
 * a header makes no difference.
 */
function identify({ exchange, routingKey, properties, left, body }: InHand): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([exchange, routingKey, left]));
  const { headers, ...others } = rawProperties(properties?.[WIRE]?.bytes ?? Buffer.alloc(2));
  for (const [name, bytes] of Object.entries(others)) hash.update(name).update(bytes);
  for (const { name, bytes } of entriesOf(headers ?? Buffer.alloc(0))) {
    if (!COUNTS.includes(name)) hash.update(bytes);
  }
  return hash.update(body ?? "").digest("hex");
}
