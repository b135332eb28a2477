/**
 * The copy of a message that goes to another queue: its own properties, those aside that would lose
 * it or send it elsewhere, and headers of ours. And what a message that came back from one of our
 * delay queues had for headers before.
 *
 * @module
 */

import type { MessageProperties, Options } from "amqplib";

type Table = Readonly<Record<string, unknown>>;

/** What amqplib makes of a field type that JavaScript lacks, when decoding. */
const DECODED_TYPES: readonly unknown[] = ["timestamp", "decimal"];

/** How often a quorum queue says that the message was returned to it. */
const RETURNS = "x-delivery-count";

/** How often the message was returned to its queue, as far as that is counted. */
export function returnsOf({ headers }: MessageProperties): number {
  const count = headers?.[RETURNS];
  return typeof count === "number" && count > 0 ? count : 0;
}

/** Headers of a message that RabbitMQ has taken out of a queue by itself. */
const DEATH = /^x-(first-|last-)?death(-|$)/;

/** Where a delayed copy has the headers that match {@linkcode DEATH}. */
const ORIGINAL_DEATH = "x-original-death";

/**
 * The properties of the copy, with these headers beside or over its own. Different from the
 * message's are:
 * - `expiration`: it would delete the copy, so it becomes the header `x-original-expiration`;
 * - `user_id`: RabbitMQ takes none but the connection's own, so it becomes `x-original-user-id`;
 * - the header `CC`: RabbitMQ would deliver the copy there, so it becomes `x-original-cc`;
 * - `delivery_mode` is persistent, or a restart would lose what was confirmed;
 * - whole numbers in headers may get a shorter integer type, and beyond 2^53 amqplib has rounded
 *   them; floats get the type double. `cluster_id`, which nothing uses, is dropped.
 */
export function copyOf(properties: MessageProperties, added: Table): Options.Publish {
  const { clusterId: _, expiration, userId, headers, ...own } = properties;
  const { CC, [RETURNS]: _returns, ...others } = headers ?? {};
  return {
    ...present(own),
    mandatory: true,
    persistent: true,
    headers: {
      ...encodableTable(others),
      ...present({
        "x-original-cc": CC && encodable(CC),
        "x-original-expiration": expiration,
        "x-original-user-id": userId,
      }),
      ...encodableTable(added),
    },
  };
}

/** The same as {@linkcode copyOf} without the message's own headers, for those that amqplib can't encode again. */
export function copyWithoutHeaders(properties: MessageProperties, added: Table): Options.Publish {
  const headers = { "x-original-headers-lost": true };
  return copyOf({ ...properties, headers }, added);
}

/**
 * The same for a delay queue. What RabbitMQ noted on the message before is put away: it would drop
 * one that expires in the delay queue if it has expired in its destination some time ago, taking
 * that for an endless round.
 */
export function delayedCopy(properties: MessageProperties, added: Table): Options.Publish {
  const { deaths, others } = sortedOut(properties.headers ?? {});
  const away = Object.keys(deaths).length > 0 ? { [ORIGINAL_DEATH]: deaths } : {};
  return copyOf({ ...properties, headers: { ...others, ...away } }, added);
}

/**
 * The properties that a message of `queue` has but for its waiting in the queue's delay queues: what
 * RabbitMQ noted of that is gone, what it noted before or elsewhere is there.
 */
export function undelayed(properties: MessageProperties, queue: string): MessageProperties {
  const { [ORIGINAL_DEATH]: original, ...headers } = properties.headers ?? {};
  const { deaths, others } = sortedOut(headers);
  if (!original && Object.keys(deaths).length === 0) return properties;
  const before = isTable(original) ? original : {};
  const { "x-death": entries, ...notes } = deaths;
  const first = notesOf("first", notes, queue);
  const last = notesOf("last", notes, queue);
  const kept = [...asList(entries), ...asList(before["x-death"])].filter((entry) =>
    !isTable(entry) || !isDelayQueue(entry["queue"], queue)
  );
  const death: Table = kept.length > 0 ? { "x-death": kept } : {};
  return { ...properties, headers: { ...others, ...first, ...before, ...last, ...death } };
}

/** The first or the last note, unless it is about a delay queue. */
function notesOf(which: "first" | "last", notes: Table, queue: string): Table {
  const prefix = `x-${which}-death-`;
  if (isDelayQueue(notes[`${prefix}queue`], queue)) return {};
  return Object.fromEntries(Object.entries(notes).filter(([key]) => key.startsWith(prefix)));
}

/** Also those of earlier versions, in which each queue had its own. */
function isDelayQueue(name: unknown, queue: string): boolean {
  if (typeof name !== "string") return false;
  const [, before] = /^(.*)\.delay\.\d+m?s$/s.exec(name) ?? [];
  return before === "turn-channels" || before === queue;
}

function sortedOut(headers: Table): { deaths: Table; others: Table } {
  const entries = Object.entries(headers);
  return {
    deaths: Object.fromEntries(entries.filter(([key]) => DEATH.test(key))),
    others: Object.fromEntries(entries.filter(([key]) => !DEATH.test(key))),
  };
}

function present(values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
