/**
 * A connector's parked messages: looked through, put back into work, or deleted, on a running system.
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
import { queuesOf } from "../vumi/mod.ts";

/** Which of a connector's parking queues. */
export type ParkedQueue = "inbound" | "event";

const QUEUES: readonly ParkedQueue[] = ["inbound", "event"];

/** A message that waits for a person. */
export interface ParkedMessage {
  /** Where it came from. */
  readonly queue: ParkedQueue;
  /** Its id, an event's own; null if it can't be read. */
  readonly id: string | null;
  /** For an event the message that it is about; else null. */
  readonly about: string | null;
  /** The user's address, if it is a message that can be read. */
  readonly user: string | null;
  /** When it was parked; ISO 8601. */
  readonly parkedAt: string;
  /** Why. */
  readonly reason: string;
  /** Turn's status, if it was for that. */
  readonly status: number | null;
  /** How often Turn was called about it. */
  readonly attempts: number;
  /** When calling it failed first; ISO 8601. Null if it has not, as far as is known. */
  readonly firstFailure: string | null;
  /** The payload. */
  readonly body: Uint8Array;
  /** All headers. */
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Which parked messages are meant: those for which all of it holds. */
export interface ParkedFilter {
  /** In this queue; both if not given. */
  readonly queue?: ParkedQueue | undefined;
  /** With this id, or about the message with this id. */
  readonly id?: string | undefined;
  /** Parked then or later. */
  readonly since?: Date | undefined;
  /** Parked before. */
  readonly before?: Date | undefined;
  /** With this in the reason, in capitals or not. */
  readonly reason?: string | undefined;
}

/** Looks into queues, and has queues declared to which messages are put back. */
export type ParkedBroker = Browser & Pick<Publisher, "declare">;

/** What {@linkcode ParkedMessages} needs. */
export interface ParkedMessagesOptions {
  /** The connector's name. */
  readonly name: string;
  /** Where the queues are. */
  readonly broker: ParkedBroker;
}

/** A connector's parking queues. */
export class ParkedMessages {
  readonly #options: ParkedMessagesOptions;

  /** Makes it; no I/O. */
  constructor(options: ParkedMessagesOptions) {
    this.#options = options;
  }

  /**
   * Hands each message that is meant to `visit`, the one parked first first; they all stay. Until it
   * is through with a queue, nobody else sees those: `visit` is not to wait for people, or for long.
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
   * Puts those that are meant at the end of the queues that they came from, in order and one confirmed
   * message at a time, as if they were new. Answers how many.
   *
   * @throws {PublishError} See {@linkcode Browser.browse}.
   */
  async replay(filter: ParkedFilter): Promise<number> {
    let count = 0;
    // They may be gone, if nobody works.
    for (const queue of QUEUES) this.#options.broker.declare(this.#origin(queue));
    await this.#browse(filter, ({ queue, headers }) => {
      count++;
      return { moveTo: this.#origin(queue), headers: withoutPast(headers) };
    });
    return count;
  }

  /**
   * Deletes those that are meant. Answers how many.
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
        return isMeant(parked, filter) ? decide(parked) : "keep";
      });
    }
  }

  #origin(queue: ParkedQueue): string {
    return queuesOf(this.#options.name)[queue];
  }
}

/** What a parked message tells of itself. */
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

function isMeant(message: ParkedMessage, { id, since, before, reason }: ParkedFilter): boolean {
  const at = Date.parse(message.parkedAt);
  return (id === undefined || id === message.id || id === message.about) &&
    (since === undefined || at >= since.getTime()) &&
    (before === undefined || !(at >= before.getTime())) &&
    (reason === undefined || message.reason.toLowerCase().includes(reason.toLowerCase()));
}
