// Deliveries that end what they come on, should our codec not prevent it: such a one comes again, and
// would end the next connection, for ever. So what was being delivered at such an end is remembered
// across connections, and what has done it three times is handed to its consumer with its bytes only,
// and marked, to be parked unread.

import type { ChannelModel } from "amqplib";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { COUNTS, rawProperties } from "./unchanged.ts";
import { headerFieldsOf } from "./raw_values.ts";
import { WIRE, type WireProperties } from "./properties.ts";
import { BASIC, internalsOf, type WireChannel, type WireFrame } from "../amqplib_internals.ts";
import { log } from "../../log.ts";

const MAX_ENDS = 3;
const MAX_REMEMBERED = 1000;

const DELIVER = BASIC << 16 | 60, GET_OK = BASIC << 16 | 71;

/** What is being delivered on a channel, from the first frame until the consumer has it. */
interface Arriving {
  readonly fields: {
    readonly exchange: string;
    readonly routingKey: string;
    readonly redelivered: boolean;
  };
  properties: WireProperties | undefined;
  left: number;
  /** The last part of the body, when all is there. */
  body: Buffer | undefined;
}

/** Why the message has to be parked unread; undefined if it has not. */
export function unreadableReason(properties: WireProperties): string | undefined {
  return properties[WIRE]?.ended;
}

/** The deliveries that have ended channels or connections of one broker. */
export class PoisonDeliveries {
  /** How often, and why the last time; by {@linkcode identify}. */
  readonly #ends = new Map<string, { readonly times: number; readonly reason: string }>();

  /** Watches what is delivered on a connection, for as long as that lives. */
  watch(model: ChannelModel): void {
    const connection = internalsOf(model);
    const { accept, recvFrame } = connection;
    /** By the numbers of their channels, which are used again. */
    const arrivals: (Arriving | undefined)[] = [];
    const watched = new WeakSet<WireChannel["channel"]>();
    connection.recvFrame = () => {
      try {
        return recvFrame.call(connection);
      } catch (error) {
        for (const arriving of arrivals) this.#note(arriving, error);
        throw error;
      }
    };
    connection.accept = (frame) => {
      const { id, channel: number } = frame;
      if (id === DELIVER || id === GET_OK) {
        const fields = frame.fields as Arriving["fields"]; // As these methods have them.
        arrivals[number] = { fields, properties: undefined, left: 0, body: undefined };
        const channel = connection.channels[number]?.channel;
        if (channel && !watched.has(channel)) {
          watched.add(channel);
          this.#watchChannel(channel, () => arrivals[number]);
        }
      }
      const arriving = arrivals[number];
      if (arriving) this.#add(arriving, frame);
      try {
        accept.call(connection, frame);
      } catch (error) {
        this.#note(arriving, error);
        throw error;
      }
      if (arriving?.properties && arriving.left === 0) arrivals[number] = undefined;
    };
  }

  /** amqplib does not let an exception through that is thrown at a delivery: it ends the channel. */
  #watchChannel(channel: WireChannel["channel"], current: () => Arriving | undefined): void {
    const { closeWithError } = channel;
    channel.closeWithError = (...call) => {
      const [, , , error] = call;
      this.#note(current(), error);
      closeWithError.apply(channel, call);
    };
  }

  #add(arriving: Arriving, { id, size = 0, fields, content }: WireFrame): void {
    if (id === BASIC) {
      arriving.properties = fields as WireProperties; // By our codec.
      arriving.left = size;
    } else if (content) {
      arriving.left -= content.length;
      if (arriving.left > 0) return;
      arriving.body = content;
    }
    this.#judge(arriving);
  }

  #note(arriving: Arriving | undefined, error: unknown): void {
    if (!arriving) return;
    const key = identify(arriving);
    const times = (this.#ends.get(key)?.times ?? 0) + 1;
    const reason = error instanceof Error ? error.message : String(error);
    this.#ends.set(key, { times, reason });
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > MAX_REMEMBERED && oldest !== undefined) this.#ends.delete(oldest);
    const values = { routingKey: arriving.fields.routingKey, times, reason };
    log.error("Receiving a message for {routingKey} ended its channel: {reason}", values);
  }

  /** Leaves nothing to fail at, if the message has done so too often. */
  #judge(arriving: Arriving): void {
    const { properties, fields } = arriving;
    const wire = properties?.[WIRE];
    // What has ended something has been delivered before.
    if (this.#ends.size === 0 || !fields.redelivered || !wire) return;
    const { times, reason } = this.#ends.get(identify(arriving)) ?? { times: 0, reason: "" };
    if (times < MAX_ENDS) return;
    const ended = `receiving it ended the connection to RabbitMQ ${times} times: ${reason}`;
    properties[WIRE] = { ...wire, ended };
    for (const name of Object.keys(properties)) Reflect.set(properties, name, undefined);
  }
}

/** Names a message, the same on each connection; RabbitMQ's counts in its headers make no difference. */
function identify({ fields, properties, left, body }: Arriving): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([fields.exchange, fields.routingKey, left]));
  const { headers, ...others } = rawProperties(properties?.[WIRE]?.bytes ?? Buffer.alloc(2));
  for (const [name, bytes] of Object.entries(others)) hash.update(name).update(bytes);
  for (const { name, bytes } of headerFieldsOf(headers ?? Buffer.alloc(0))) {
    if (!COUNTS.includes(name)) hash.update(bytes);
  }
  return hash.update(body ?? "").digest("hex");
}
