/**
 * The copy of a message that goes to the parking queue: its own properties, those aside that would
 * lose it or send it elsewhere, and headers about the parking.
 *
 * @module
 */

import type { ConsumeMessage, Options } from "amqplib";
import { type Park, parkedHeaders } from "./handle.ts";

/** What amqplib makes of a field type that JavaScript lacks, when decoding. */
const DECODED_TYPES: readonly unknown[] = ["timestamp", "decimal"];

/**
 * The properties of the copy. Different from the message's are:
 * - `expiration`: it would delete the copy, so it becomes the header `x-parked-expiration`;
 * - `user_id`: RabbitMQ takes none but the connection's own, so it becomes `x-parked-user-id`;
 * - the header `CC`: RabbitMQ would deliver the copy there, so it becomes `x-parked-cc`;
 * - `delivery_mode` is persistent, or a restart would lose what was confirmed;
 * - whole numbers in headers may get a shorter integer type, and beyond 2^53 amqplib has rounded
 *   them; floats get the type double. `cluster_id`, which nothing uses, is dropped.
 */
export function parkedCopy(
  { properties }: ConsumeMessage,
  queue: string,
  disposition: Park,
  at: Date,
): Options.Publish {
  const { clusterId: _, expiration, userId, headers, ...own } = properties;
  const { CC, ...others } = headers ?? {};
  return {
    ...present(own),
    mandatory: true,
    persistent: true,
    headers: {
      ...encodableTable(others),
      ...present({
        "x-parked-cc": CC && encodable(CC),
        "x-parked-expiration": expiration,
        "x-parked-user-id": userId,
      }),
      ...parkedHeaders(queue, disposition, at),
    },
  };
}

/** The same without the message's own headers, for those that amqplib can't encode again. */
export function parkedCopyWithoutHeaders(
  message: ConsumeMessage,
  queue: string,
  disposition: Park,
  at: Date,
): Options.Publish {
  const properties = { ...message.properties, headers: undefined };
  const copy = parkedCopy({ ...message, properties }, queue, disposition, at);
  return { ...copy, headers: { ...copy.headers, "x-parked-headers-lost": true } };
}

function present(values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** Makes amqplib encode a decoded header value as what it was. */
function encodable(value: unknown): unknown {
  if (typeof value === "number") {
    // What no 64-bit integer holds amqplib takes for one, if it is negative.
    return Math.abs(value) < 2 ** 63 ? value : { "!": "double", value };
  }
  if (Array.isArray(value)) return value.map(encodable);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (!("!" in value)) return encodableTable(value);
  if (DECODED_TYPES.includes(value["!"])) return value;
  // A table that has a key "!": amqplib would take it for the name of a type.
  return { "!": "object", value: encodableTable(value) };
}

function encodableTable(table: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(table).map(([key, value]) => [key, encodable(value)]));
}
