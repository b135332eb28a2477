/**
 * Takes what came off a queue in hand, one flow's, and lets it begin in its user's order.
 *
 * @module
 */

import type { MessageCache } from "../cache/mod.ts";
import type { Arrival } from "../vumi/mod.ts";
import { Attempts, type AttemptsOptions } from "./attempts.ts";
import { CopyForwarder } from "./copy_forwarder.ts";
import { Delivery, type DeliveryParts } from "./delivery.ts";
import { InFlight } from "./in_flight.ts";
import type { Job } from "./job.ts";
import { Outcomes } from "./outcomes.ts";
import { PoisonMessages } from "./poison_messages.ts";
import { UserOrder } from "./user_order.ts";
import type { WakeUpOptions } from "./wake_up.ts";

/** RabbitMQ waits for an answer for 30 minutes, unless it is told otherwise. */
const HOLD_MS = 15 * 60_000;

/** What {@linkcode Deliveries} needs. */
export interface DeliveriesOptions<P> extends AttemptsOptions<P>, WakeUpOptions {
  readonly cache: MessageCache;
  /** Fires when nothing new is to be begun. */
  readonly stopping: AbortSignal;
  /**
   * Longest that a message stays in hand, in milliseconds, whatever it waits for: well below the time
   * after which RabbitMQ takes it away. 15 minutes by default.
   */
  readonly holdMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** The messages of one flow that are in hand; `P` is what Turn is told. */
export class Deliveries<P> {
  readonly #parts: DeliveryParts<P>;

  constructor(options: DeliveriesOptions<P>) {
    const { flow, metrics, retry, holdMs = HOLD_MS, now = Date.now } = options;
    this.#parts = {
      flow,
      metrics,
      retry,
      now,
      inFlight: new InFlight({ ...options, holdMs }),
      order: new UserOrder(),
      forwarder: new CopyForwarder({ ...options, now }),
      poison: new PoisonMessages(options.cache),
      attempts: new Attempts(options),
      outcomes: new Outcomes(options),
    };
  }

  /** Takes it in hand, and resolves when all earlier ones of the same key are disposed of. */
  async begin(job: Job, arrival: Arrival): Promise<Delivery<P>> {
    const { inFlight, order } = this.#parts;
    const held = inFlight.take(arrival.lost);
    await order.enter(job.key, job.rank);
    return new Delivery(this.#parts, job, arrival, held);
  }

  /** Counts what can't be read, and so never begins. */
  countUnreadable(): void {
    this.#parts.outcomes.unreadable();
  }

  /**
   * Somebody else has spoken for the channel meanwhile: what is known of messages that wait elsewhere
   * is forgotten, and looked up. To be called before a message is taken in hand then.
   */
  forget(): void {
    this.#parts.forwarder.forget();
  }
}
