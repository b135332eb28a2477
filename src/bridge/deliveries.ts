/**
 * Takes what came off a queue in hand, one flow's, and lets it begin in its user's order.
 *
 * @module
 */

import type { Arrival } from "../vumi/mod.ts";
import { Attempts } from "./attempts.ts";
import { CopyForwarder } from "./copy_forwarder.ts";
import { Delivery, type DeliveryParts } from "./delivery.ts";
import { InFlight } from "./in_flight.ts";
import type { Job } from "./job.ts";
import type { CallingOptions, FlowOptions } from "./options.ts";
import { Outcomes } from "./outcomes.ts";
import { PoisonMessages } from "./poison_messages.ts";
import { UserOrder } from "./user_order.ts";

/** The messages of one flow that are in hand; `P` is what Turn is told. */
export class Deliveries<P> {
  readonly #parts: DeliveryParts<P>;

  constructor(options: FlowOptions & CallingOptions<P>) {
    this.#parts = {
      ...options,
      inFlight: new InFlight(options),
      order: new UserOrder(),
      forwarder: new CopyForwarder(options),
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
