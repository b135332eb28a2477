// The parked messages of one connector or several: listed, replayed, or deleted, on a running system.
// Bodies are read leniently, as a message may be parked because it is malformed.

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

/** The queues that have a parking queue. */
export const PARKED_QUEUES = ["inbound", "event", "held"] as const;

type ParkedQueue = (typeof PARKED_QUEUES)[number];

export type ParkedMessage = ReturnType<typeof readParked>;

/** Which parked messages: those that match everything given. */
export interface ParkedFilter {
  readonly queue?: ParkedQueue | undefined;
  /** The message's id, or that of the message that an event is about. */
  readonly id?: string | undefined;
  readonly since?: Date | undefined;
  readonly before?: Date | undefined;
  /** A part of the reason, in capitals or not. */
  readonly reason?: string | undefined;
  /** Those for which this is so are not meant. */
  readonly except?: Visit<boolean> | undefined;
}

type Visit<T> = (message: ParkedMessage, connector: string) => T;

/** Looks into queues, and has queues declared to which messages are put back. */
export type ParkedBroker = Browser & Pick<Publisher, "declare">;

/** Parked messages, connector by connector. Throws what {@linkcode Browser.browse} throws. */
export class ParkedMessages {
  readonly #connectors: readonly string[];
  readonly #broker: ParkedBroker;

  constructor(connectors: readonly string[], broker: ParkedBroker) {
    this.#connectors = connectors;
    this.#broker = broker;
  }

  /**
   * Calls `visit` with each message that matches, in the order of parking; they all stay. Nobody else
   * can have them until a queue is finished, so `visit` must not wait for people, or for long. Returns
   * how many match.
   */
  list(filter: ParkedFilter, visit: Visit<void> = () => {}): Promise<number> {
    return this.#browse(filter, (message, connector) => {
      visit(message, connector);
      return "keep";
    });
  }

  /** Moves those that match to the end of their queues, in order, as if new; returns how many. */
  replay(filter: ParkedFilter): Promise<number> {
    // The queues may be gone if no bridge runs.
    for (const connector of this.#connectors) {
      for (const queue of PARKED_QUEUES) this.#broker.declare(queuesOf(connector)[queue]);
    }
    return this.#browse(filter, ({ queue, headers }, connector) => ({
      moveTo: queuesOf(connector)[queue],
      headers: withoutPast(headers),
    }));
  }

  /** Deletes those that match; returns how many. */
  discard(filter: ParkedFilter): Promise<number> {
    return this.#browse(filter, () => "drop");
  }

  async #browse(filter: ParkedFilter, decide: Visit<Decision>): Promise<number> {
    let count = 0;
    for (const connector of this.#connectors) {
      for (const queue of PARKED_QUEUES) {
        if (filter.queue !== undefined && filter.queue !== queue) continue;
        await this.#broker.browse(queuesOf(connector)[`${queue}Parked`], (message) => {
          const parked = readParked(queue, message);
          if (!matches(parked, filter) || filter.except?.(parked, connector)) return "keep";
          count++;
          return decide(parked, connector);
        });
      }
    }
    return count;
  }
}

function readParked(queue: ParkedQueue, { body, headers }: QueuedMessage) {
  const payload = parseFields(body);
  const { at, reason, ...parking } = readParking(headers);
  return {
    queue,
    ...WHO[queue](payload),
    /** ISO 8601; empty if it is not known. */
    parkedAt: at ?? "",
    reason: reason ?? "",
    ...parking,
    body,
    headers,
  };
}

/** Whose message it is, by what its queue holds. */
interface Who {
  readonly id: string | null;
  /** For an event the message that it is about, for one of Turn's messages that; else null. */
  readonly about: string | null;
  /** The user's address; null for an event, or if it can't be read. */
  readonly user: string | null;
}

const WHO: Readonly<Record<ParkedQueue, (payload: Readonly<Record<string, unknown>>) => Who>> = {
  inbound: ({ message_id, from_addr }) => ({
    ...{ id: text(message_id), about: null, user: text(from_addr) },
  }),
  event: ({ event_id, user_message_id }) => ({
    ...{ id: text(event_id), about: text(user_message_id), user: null },
  }),
  held: ({ id, inbound, message }) => {
    // An SMS is kept as what is sent, else it is who is answered.
    if (isFields(message)) {
      const { message_id, to_addr } = message;
      return { id: text(message_id), about: text(message_id), user: text(to_addr) };
    }
    const from = isFields(inbound) ? inbound["from_addr"] : undefined;
    return { id: text(id), about: text(id), user: text(from) };
  },
};

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
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
