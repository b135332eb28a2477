// The parked messages: which there are, and moving them back to their queues.

import { createHash } from "node:crypto";
import { parseFields } from "../../async/mod.ts";
import { type Browser, type QueuedMessage, readParking, withoutPast } from "../../broker/mod.ts";
import type { ConnectorQueues } from "../../vumi/mod.ts";
import type { Parked, ParkedRow } from "./events.ts";
import { excerpt } from "./excerpts.ts";

interface ParkingOptions {
  readonly queues: ConnectorQueues;
  readonly broker: Browser;
  readonly onParked: (message: ParkedRow) => void;
  readonly onReplayed: (message: ParkedRow, queue: string) => void;
}

const MOST_SHOWN = 50;
/** A longer queue is only counted, as reading it would take too long. */
const MOST_LOOKED_AT = 2_000;

export class Parking {
  /** What the last look has found. */
  parked: Parked = { kind: "parked", total: 0, messages: [] };
  readonly #options: ParkingOptions;
  #known = new Set<string>();
  readonly #seen = new Map<string, { depth: number; messages: readonly ParkedRow[] }>();

  constructor(options: ParkingOptions) {
    this.#options = options;
  }

  /**
   * Looks for parked messages. They are read only if their number has changed: nobody else sees them
   * meanwhile, and a quorum queue has to be given copies of them.
   */
  async look(): Promise<Parked> {
    const { queues, onParked } = this.#options;
    const seen = [
      await this.#see(queues.inboundParked),
      await this.#see(queues.eventParked),
      await this.#see(queues.heldParked),
    ];
    const total = seen.reduce((sum, { depth }) => sum + depth, 0);
    const messages = seen.flatMap(({ messages }) => messages);
    for (const message of messages) if (!this.#known.has(message.key)) onParked(message);
    this.#known = new Set(messages.map(({ key }) => key));
    return this.parked = { kind: "parked", total, messages: messages.slice(0, MOST_SHOWN) };
  }

  async #see(queue: string) {
    const { broker } = this.#options;
    const depth = await broker.depth(queue) ?? 0;
    const before = this.#seen.get(queue);
    if (before?.depth === depth) return before;
    const messages: ParkedRow[] = [];
    if (depth > 0 && depth <= MOST_LOOKED_AT) {
      await broker.browse(queue, (message) => {
        messages.push(describe(queue, message));
        return "keep";
      });
    }
    const seen = { depth, messages };
    this.#seen.set(queue, seen);
    return seen;
  }

  /** Moves one or all back, without the headers about the failure. */
  async replay(key: string | "all"): Promise<void> {
    const { queues, broker, onReplayed } = this.#options;
    const ways = [
      [queues.inboundParked, queues.inbound],
      [queues.eventParked, queues.event],
      [queues.heldParked, queues.held],
    ];
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

function describe(queue: string, { body, headers }: QueuedMessage): ParkedRow {
  const fields = parseFields(body);
  const text = (name: string): string => typeof fields[name] === "string" ? fields[name] : "";
  // What Turn has sent and was held for a user has neither of vumi's ids.
  const user = Object(fields["inbound"]).from_addr;
  const key = text("message_id") || text("event_id") || text("id") ||
    createHash("sha256").update(body).digest("hex");
  const about = text("user_message_id");
  const title = text("from_addr") || (typeof user === "string" ? `to ${user}` : "") ||
    (about === "" ? "unreadable" : `about ${about}`);
  const reason = readParking(headers).reason ?? "no reason given";
  return { key, queue, title: excerpt(title), reason: excerpt(reason) };
}
