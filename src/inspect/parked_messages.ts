/**
 * The parked messages of one connector or several: listed, replayed, or deleted, on a running system.
 * Bodies are read leniently, as a message may be parked because it is malformed.
 *
 * @module
 */

import { parseFields } from "../async/mod.ts";
import {
  type Browser,
  type Decision,
  type Publisher,
  type QueuedMessage,
  readParking,
  withoutPast,
} from "../broker/mod.ts";
import { findPartitions, queuesOf, replayPartitions } from "../vumi/mod.ts";

type ParkedQueue = "inbound" | "event";

const QUEUES: readonly ParkedQueue[] = ["inbound", "event"];

/** A message that waits for an operator. */
export interface ParkedMessage {
  readonly queue: ParkedQueue;
  /** The message's or the event's own; null if it can't be read. */
  readonly id: string | null;
  /** For an event the message that it is about; else null. */
  readonly about: string | null;
  /** The user's address; null for an event, or if it can't be read. */
  readonly user: string | null;
  /** ISO 8601. */
  readonly parkedAt: string;
  readonly reason: string;
  /** The HTTP status with which Turn refused it, if it did. */
  readonly status: number | null;
  /** Calls to Turn about it. */
  readonly attempts: number;
  /** When a call to Turn first failed; ISO 8601. Null if none is known. */
  readonly firstFailure: string | null;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Which parked messages: those that match everything given. */
export interface ParkedFilter {
  readonly queue?: ParkedQueue | undefined;
  /** The message's id, or that of the message that an event is about. */
  readonly id?: string | undefined;
  readonly since?: Date | undefined;
  readonly before?: Date | undefined;
  /** A part of the reason, in capitals or not. */
  readonly reason?: string | undefined;
}

/** Looks into queues, and has queues declared to which messages are put back. */
export type ParkedBroker = Browser & Pick<Publisher, "declare">;

interface ParkedMessagesOptions {
  /** The connector's name. */
  readonly name: string;
  readonly broker: ParkedBroker;
}

export class ParkedMessages {
  readonly #options: ParkedMessagesOptions;

  constructor(options: ParkedMessagesOptions) {
    this.#options = options;
  }

  /**
   * Calls `visit` with each message that matches, in the order of parking; they all stay. Nobody else
   * can have them until a queue is finished, so `visit` must not wait for people, or for long.
   *
   * @throws {PublishError} See {@linkcode Browser.browse}.
   */
  async list(filter: ParkedFilter, visit: (message: ParkedMessage) => void): Promise<void> {
    await this.#browse(filter, (message) => {
      visit(message);
      return "keep";
    });
  }

  /**
   * Moves those that match to the end of their queues, in order and one confirmed message at a time, as
   * if they were new; returns how many.
   *
   * @throws {PublishError} See {@linkcode Browser.browse}.
   */
  async replay(filter: ParkedFilter): Promise<number> {
    let count = 0;
    // The queues may be gone if no bridge runs.
    for (const queue of QUEUES) this.#options.broker.declare(this.#origin(queue));
    await this.#browse(filter, ({ queue, headers }) => {
      count++;
      return { moveTo: this.#origin(queue), headers: withoutPast(headers) };
    });
    return count;
  }

  /**
   * Deletes those that match; returns how many.
   *
   * @throws {PublishError} See {@linkcode Browser.browse}.
   */
  async discard(filter: ParkedFilter): Promise<number> {
    let count = 0;
    await this.#browse(filter, () => {
      count++;
      return "drop";
    });
    return count;
  }

  async #browse(filter: ParkedFilter, decide: (message: ParkedMessage) => Decision): Promise<void> {
    const { broker, name } = this.#options;
    const { inboundParked, eventParked } = queuesOf(name);
    for (const queue of QUEUES) {
      if (filter.queue !== undefined && filter.queue !== queue) continue;
      await broker.browse(queue === "inbound" ? inboundParked : eventParked, (message) => {
        const parked = readParked(queue, message);
        return matches(parked, filter) ? decide(parked) : "keep";
      });
    }
  }

  #origin(queue: ParkedQueue): string {
    return queuesOf(this.#options.name)[queue];
  }
}

function readParked(
  queue: ParkedQueue,
  { body, headers }: QueuedMessage,
): ParkedMessage {
  const payload = parseFields(body);
  const { reason, at, status, attempts, firstFailure } = readParking(headers);
  return {
    queue,
    id: text(payload[queue === "event" ? "event_id" : "message_id"]),
    about: queue === "event" ? text(payload["user_message_id"]) : null,
    user: queue === "inbound" ? text(payload["from_addr"]) : null,
    parkedAt: at ?? "",
    reason: reason ?? "",
    status,
    attempts,
    firstFailure,
    body,
    headers,
  };
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function matches(message: ParkedMessage, { id, since, before, reason }: ParkedFilter): boolean {
  const at = Date.parse(message.parkedAt);
  return (id === undefined || id === message.id || id === message.about) &&
    (since === undefined || at >= since.getTime()) &&
    (before === undefined || !(at >= before.getTime())) &&
    (reason === undefined || message.reason.toLowerCase().includes(reason.toLowerCase()));
}
/** {@linkcode ParkedMessages} of several channels, and what earlier versions left in partition queues. */
export class ParkedChannels {
  readonly #channels: ReadonlyMap<string, ParkedMessages>;
  readonly #broker: ParkedBroker;

  constructor(connectors: readonly string[], broker: ParkedBroker) {
    this.#broker = broker;
    this.#channels = new Map(
      connectors.map((name) => [name, new ParkedMessages({ name, broker })]),
    );
  }

  async list(
    filter: ParkedFilter,
    visit: (message: ParkedMessage, connector: string) => void,
  ): Promise<void> {
    for (const [connector, messages] of this.#channels) {
      await messages.list(filter, (message) => visit(message, connector));
    }
  }

  replay(filter: ParkedFilter): Promise<number> {
    return this.#sum((_, messages) => messages.replay(filter));
  }

  discard(filter: ParkedFilter): Promise<number> {
    return this.#sum((_, messages) => messages.discard(filter));
  }

  replayPartitions(): Promise<number> {
    return this.#sum((name) => replayPartitions(name, this.#broker));
  }

  countPartitions(): Promise<number> {
    return this.#sum(async (name) => {
      const partitions = await findPartitions(name, this.#broker);
      return partitions.reduce((sum, { waiting }) => sum + waiting, 0);
    });
  }

  async #sum(
    work: (connector: string, messages: ParkedMessages) => Promise<number>,
  ): Promise<number> {
    let sum = 0;
    for (const [connector, messages] of this.#channels) sum += await work(connector, messages);
    return sum;
  }
}

/** The fields of a user's message that a story has. */
export interface MessageFields {
  readonly timestamp: string;
  readonly from_addr: string;
  readonly to_addr: string;
  readonly transport_name: string;
  readonly transport_type: string;
}

/** "?" stands for a missing field. */
export function fieldsOf(body: Uint8Array): MessageFields {
  const fields = parseFields(body);
  const text = (name: string): string => {
    const value = fields[name];
    return typeof value === "string" ? value : "?";
  };
  return {
    timestamp: text("timestamp"),
    from_addr: text("from_addr"),
    to_addr: text("to_addr"),
    transport_name: text("transport_name"),
    transport_type: text("transport_type"),
  };
}

/** An event in a few words. */
export function eventWords(body: Uint8Array): string {
  const { event_type, delivery_status } = parseFields(body);
  const words = event_type === "delivery_report"
    ? ["delivery report", delivery_status]
    : [event_type];
  return words.filter((word) => typeof word === "string").join(" ") || "unreadable";
}
