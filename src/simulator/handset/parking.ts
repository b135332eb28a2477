/**
 * The parked messages: which there are, and moving them back to their queues.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { parseFields } from "../../async/mod.ts";
import { type Browser, type QueuedMessage, readParking, withoutPast } from "../../broker/mod.ts";
import type { ConnectorQueues } from "../../vumi/mod.ts";
import type { Parked, ParkedMessage } from "./events.ts";
import { excerpt } from "./excerpts.ts";

interface ParkingOptions {
  readonly queues: ConnectorQueues;
  readonly broker: Browser;
  readonly onParked: (message: ParkedMessage) => void;
  readonly onReplayed: (message: ParkedMessage, queue: string) => void;
}

/** How many are shown. */
const MOST_SHOWN = 50;
/** A longer queue is only counted, as reading it would take too long. */
const MOST_LOOKED_AT = 2_000;

/** What was seen of a queue. */
interface Seen {
  readonly depth: number;
  readonly messages: readonly ParkedMessage[];
}

export class Parking {
  readonly #options: ParkingOptions;
  #known = new Set<string>();
  /** What was found in each queue last time. */
  readonly #seen = new Map<string, Seen>();
  #parked: Parked = { kind: "parked", total: 0, messages: [] };

  constructor(options: ParkingOptions) {
    this.#options = options;
  }

  /** What was found last time. */
  get parked(): Parked {
    return this.#parked;
  }

  /**
   * Looks what there is. Messages themselves are looked at only if there are more or less of them than
   * before: nobody else sees them meanwhile, and a quorum queue has to be given copies of them.
   */
  async look(): Promise<Parked> {
    const { queues, broker, onParked } = this.#options;
    const messages: ParkedMessage[] = [];
    let total = 0;
    for (const queue of [queues.inboundParked, queues.eventParked]) {
      const depth = await broker.depth(queue) ?? 0;
      total += depth;
      let seen = this.#seen.get(queue);
      if (seen?.depth !== depth) {
        seen = { depth, messages: await this.#lookInto(queue, depth) };
        this.#seen.set(queue, seen);
      }
      messages.push(...seen.messages);
    }
    for (const message of messages) if (!this.#known.has(message.key)) onParked(message);
    this.#known = new Set(messages.map(({ key }) => key));
    const shown = messages.slice(0, MOST_SHOWN);
    return this.#parked = { kind: "parked", total, messages: shown };
  }

  async #lookInto(queue: string, depth: number): Promise<readonly ParkedMessage[]> {
    const messages: ParkedMessage[] = [];
    if (depth === 0 || depth > MOST_LOOKED_AT) return messages;
    await this.#options.broker.browse(queue, (message) => {
      messages.push(describe(queue, message));
      return "keep";
    });
    return messages;
  }

  /** Moves one or all back, without the headers about the failure. */
  async replay(key: string | "all"): Promise<void> {
    const { queues, broker, onReplayed } = this.#options;
    const ways = [[queues.inboundParked, queues.inbound], [queues.eventParked, queues.event]];
    for (const [from = "", to = ""] of ways) {
      this.#seen.delete(from);
      await broker.browse(from, (message) => {
        const described = describe(from, message);
        if (key !== "all" && described.key !== key) return "keep";
        // Parked again, it is news again.
        this.#known.delete(described.key);
        onReplayed(described, to);
        return { moveTo: to, headers: withoutPast(message.headers) };
      });
    }
  }
}

/** The key comes from the body, which may be unreadable. */
function describe(queue: string, { body, headers }: QueuedMessage): ParkedMessage {
  const { message_id, event_id, from_addr, user_message_id } = readFields(body);
  const key = message_id ?? event_id ?? createHash("sha256").update(body).digest("hex");
  const title = from_addr ?? (user_message_id ? `about ${user_message_id}` : "unreadable");
  const reason = excerpt(readParking(headers).reason ?? "no reason given");
  return { key, queue, title: excerpt(title), reason };
}

const FIELDS = ["message_id", "event_id", "from_addr", "user_message_id"] as const;

function readFields(body: Uint8Array): Partial<Record<(typeof FIELDS)[number], string>> {
  const found = new Map(
    Object.entries(parseFields(body)).filter(([, value]) => {
      return typeof value === "string" && value !== "";
    }),
  );
  return Object.fromEntries(FIELDS.flatMap((field) => {
    return found.has(field) ? [[field, String(found.get(field))]] : [];
  }));
}
