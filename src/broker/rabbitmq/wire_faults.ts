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
import { COUNTS, rawProperties } from "./kept.ts";
import { entriesOf } from "./field.ts";
import { WIRE, type WireProperties } from "./properties.ts";
import { BASIC, type WireChannel, type WireConnection, type WireFrame } from "./wire.ts";

const log = getLogger(["turn-channels", "broker"]);

/** How often a delivery may end what it comes on. */
const MAX_ENDS = 3;
/** How many deliveries are remembered; then the oldest is forgotten. */
const MAX_REMEMBERED = 1000;

const DELIVER = BASIC << 16 | 60, GET_OK = BASIC << 16 | 71;

/** What the arguments of both have. */
interface DeliveryFields {
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
}

/** What is being delivered on a channel, from the first frame until the consumer has it. */
class InHand {
  /** Nothing is, without them. */
  fields: DeliveryFields | undefined;
  properties: WireProperties | undefined;
  /** How many bytes of the body are to come. */
  left = 0;
  /** The last part of the body, when all is there. */
  body: Buffer | undefined;
  /** The one that is watched: numbers are used again. */
  channel: WireChannel["channel"] | undefined;

  take(fields: DeliveryFields | undefined): void {
    this.fields = fields;
    this.properties = undefined;
    this.body = undefined;
  }
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
    /** By the number of the channel. */
    const hands: InHand[] = [];
    connection.recvFrame = () => {
      try {
        return recvFrame.call(connection);
      } catch (error) {
        for (const hand of hands) if (hand?.fields) this.#note(hand, error);
        throw error;
      }
    };
    connection.accept = (frame) => {
      const { id, channel } = frame;
      const isFirst = id === DELIVER || id === GET_OK;
      const hand = isFirst ? hands[channel] ??= new InHand() : hands[channel];
      if (isFirst && hand) this.#begin(hand, frame, connection);
      if (!hand?.fields) return accept.call(connection, frame);
      if (!isFirst) this.#add(hand, frame);
      try {
        accept.call(connection, frame);
      } catch (error) {
        this.#note(hand, error);
        throw error;
      }
      if (hand.properties && hand.left === 0) hand.take(undefined);
    };
  }

  #begin(hand: InHand, frame: WireFrame, { channels }: WireConnection): void {
    hand.take(frame.fields as DeliveryFields); // As these methods have them.
    const channel = channels[frame.channel]?.channel;
    if (!channel || channel === hand.channel) return;
    hand.channel = channel;
    const { closeWithError } = channel;
    // amqplib does not let an exception through that is thrown at a delivery: it ends the channel.
    channel.closeWithError = (...call) => {
      const [, , , error] = call;
      if (hand.fields) this.#note(hand, error);
      closeWithError.apply(channel, call);
    };
  }

  #add(hand: InHand, { id, size = 0, fields, content }: WireFrame): void {
    if (id === BASIC) {
      hand.properties = fields as WireProperties; // By our codec.
      hand.left = size;
      this.#judge(hand);
    } else if (content) {
      hand.left -= content.length;
      if (hand.left > 0) return;
      hand.body = content;
      this.#judge(hand);
    }
  }

  #note(hand: InHand, error: unknown): void {
    const key = identify(hand);
    const times = (this.#ends.get(key)?.times ?? 0) + 1;
    const reason = error instanceof Error ? error.message : String(error);
    this.#ends.set(key, { times, reason });
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > MAX_REMEMBERED && oldest !== undefined) this.#ends.delete(oldest);
    const values = { routingKey: hand.fields?.routingKey, times, reason };
    log.error("To take a message for {routingKey} has ended its channel: {reason}", values);
  }

  /** Leaves nothing to fail at, if the delivery has done so too often. */
  #judge(hand: InHand): void {
    const { properties, fields } = hand;
    // What has ended something has been delivered before.
    if (this.#ends.size === 0 || !fields?.redelivered || !properties) return;
    const { times, reason } = this.#ends.get(identify(hand)) ?? { times: 0, reason: "" };
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
function identify({ fields, properties, left, body }: InHand): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([fields?.exchange, fields?.routingKey, left]));
  const { headers, ...others } = rawProperties(properties?.[WIRE]?.bytes ?? Buffer.alloc(2));
  for (const [name, bytes] of Object.entries(others)) hash.update(name).update(bytes);
  for (const { name, bytes } of entriesOf(headers ?? Buffer.alloc(0))) {
    if (!COUNTS.includes(name)) hash.update(bytes);
  }
  return hash.update(body ?? "").digest("hex");
}
