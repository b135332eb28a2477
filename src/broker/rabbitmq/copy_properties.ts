// The copy of a message that goes to another queue: its own properties, those aside that would lose
// it or send it elsewhere, and headers of ours. And what a message that came back from one of our
// delay queues had for headers before. Copies are made from the bytes; see codec/unchanged.ts.

import type { MessageProperties, Options } from "amqplib";
import {
  decodeProperties,
  encodeProperties,
  WIRE,
  type WireProperties,
} from "./codec/properties.ts";
import { elementsIn, FieldBytes, headerFieldsIn } from "./codec/raw_values.ts";
import { decodeValue, type Table } from "./codec/reader.ts";
import { COUNTS, unchanged } from "./codec/unchanged.ts";
import { ORIGINAL_HEADERS } from "../headers.ts";

/** So often returned, a message is better copied than parked: RabbitMQ drops it at 20 by default. */
export const MOST_RETURNS = 3;

/** How often the message was returned to its queue, as far as a quorum queue says so. */
export function returnsOf({ headers }: MessageProperties): number {
  const count = headers?.["x-delivery-count"];
  return typeof count === "number" && count > 0 ? count : 0;
}

/** Headers of a message that RabbitMQ has taken out of a queue by itself. */
const DEATH = /^x-(first-|last-)?death(-|$)/;

const { death: ORIGINAL_DEATH } = ORIGINAL_HEADERS;

/**
 * The properties of the copy, with these headers beside or over its own. Different from the
 * message's are:
 * - `expiration`: it would delete the copy, so it becomes the header `x-original-expiration`;
 * - `user_id`: RabbitMQ takes none but the connection's own, so it becomes `x-original-user-id`;
 * - `cluster_id`, which amqplib does not send: it becomes `x-original-cluster-id`;
 * - the headers `CC` and `BCC`: RabbitMQ would deliver the copy there, so they become
 *   `x-original-cc` and `x-original-bcc`;
 * - `delivery_mode` is persistent, or a restart would lose what was confirmed;
 * - how often RabbitMQ has handed it out is not said of the copy.
 *
 * What can't be encoded is left out and named in `x-original-lost`; see codec/properties.ts.
 */
export function copyOf(properties: MessageProperties, added: Table): Options.Publish {
  const { clusterId, expiration, userId, headers = {}, ...own } = unchanged(properties);
  const { CC, BCC, ...others } = headers;
  for (const name of COUNTS) delete others[name];
  return {
    ...present(own),
    mandatory: true,
    persistent: true,
    headers: {
      ...others,
      ...present({
        [ORIGINAL_HEADERS.cc]: CC,
        [ORIGINAL_HEADERS.bcc]: BCC,
        [ORIGINAL_HEADERS.expiration]: expiration,
        [ORIGINAL_HEADERS.userId]: userId,
        [ORIGINAL_HEADERS.clusterId]: clusterId,
      }),
      ...added,
    },
  };
}

/**
 * The copy for a delay queue. What RabbitMQ noted on the message before is put away: it would drop
 * a copy that expires in the delay queue if it has expired in its destination some time ago, taking
 * that for an endless round.
 */
export function delayedCopy(properties: MessageProperties, added: Table): Options.Publish {
  const copy = copyOf(properties, added);
  const { deaths, others } = sortedOut(copy.headers);
  const hasDied = Object.keys(deaths).length > 0;
  return hasDied ? { ...copy, headers: { ...others, [ORIGINAL_DEATH]: deaths } } : copy;
}

/**
 * The properties that a message of `queue` has but for its waiting in delay queues of ours, those
 * that all share and those that only `queue` had: what RabbitMQ noted of that is gone, what it noted
 * before or elsewhere is there.
 */
export function undelayed(properties: WireProperties, queue: string): MessageProperties {
  const names = Object.keys(properties.headers ?? {});
  if (!names.some((name) => name === ORIGINAL_DEATH || DEATH.test(name))) return properties;
  const { headers = {}, ...values } = unchanged(
    properties[WIRE] ? properties : decodeProperties(encodeProperties(properties)),
  );
  const { [ORIGINAL_DEATH]: original, ...own } = headers;
  const { deaths, others } = sortedOut(own);
  const { "x-death": entries, ...notes } = deaths;
  const { "x-death": entriesBefore, ...before } = tableOf(original);
  const restored = {
    ...others,
    ...notesOf("first", notes, queue),
    ...before,
    ...notesOf("last", notes, queue),
    ...present({ "x-death": joined(entries, entriesBefore, queue) }),
  };
  return decodeProperties(encodeProperties({ ...values, headers: restored }));
}

/** The `x-death` entries that are not about delay queues. Another type of entries stays as it is. */
function joined(entries: unknown, before: unknown, queue: string): unknown {
  const lists = [entries, before].filter((list) => list instanceof FieldBytes);
  const other = lists.findLast((list) => !elementsIn(list));
  const joint = lists.flatMap((list) => elementsIn(list) ?? [])
    .filter((entry) => !isDelayQueue(tableOf(entry)["queue"], queue));
  return other ?? (joint.length > 0 ? joint : undefined);
}

/** The `x-first-death-` or `x-last-death-` headers, unless they are about a delay queue. */
function notesOf(which: "first" | "last", notes: Table, queue: string): Table {
  const prefix = `x-${which}-death-`;
  if (isDelayQueue(notes[`${prefix}queue`], queue)) return {};
  return Object.fromEntries(Object.entries(notes).filter(([key]) => key.startsWith(prefix)));
}

/** Whether it names a delay queue, now or of earlier versions, in which each queue had its own. */
function isDelayQueue(value: unknown, queue: string): boolean {
  const name = value instanceof FieldBytes ? decodeValue(value) : undefined;
  if (typeof name !== "string") return false;
  const [, before] = /^(.*)\.delay\.\d+m?s$/s.exec(name) ?? [];
  return before === "turn-channels" || before === queue;
}

function tableOf(value: unknown): Table {
  if (!(value instanceof FieldBytes)) return {};
  return Object.fromEntries(headerFieldsIn(value).map(({ name, value }) => [name, value]));
}

/** The headers about deaths, and the others, to which symbols belong. */
function sortedOut(headers: Table) {
  const others = { ...headers }, deaths: Table = {};
  for (const name of Object.keys(headers).filter((name) => DEATH.test(name))) {
    deaths[name] = headers[name];
    delete others[name];
  }
  return { deaths, others };
}

function present(values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
