// Takes what came off a queue in hand, one flow's, and lets it begin in its user's order.

import type { Arrival } from "../vumi/mod.ts";
import { CopyForwarder } from "./copy_forwarder.ts";
import { Delivery } from "./delivery.ts";
import { InFlight } from "./in_flight.ts";
import type { Job } from "./job.ts";
import type { FlowOptions } from "./options.ts";
import { Outcomes } from "./outcomes.ts";
import { PoisonMessages } from "./poison_messages.ts";
import { UserOrder } from "./user_order.ts";

export interface DeliveryParts<P> extends FlowOptions<P> {
  readonly inFlight: InFlight;
  readonly order: UserOrder<number>;
  readonly forwarder: CopyForwarder;
  readonly poison: PoisonMessages;
  readonly outcomes: Outcomes;
}

/** The messages of one flow that are in hand; `P` is what Turn is told. */
export class Deliveries<P> {
  readonly #parts: DeliveryParts<P>;

  constructor(options: FlowOptions<P>) {
    this.#parts = {
      ...options,
      inFlight: new InFlight(options),
      order: new UserOrder(),
      forwarder: new CopyForwarder(options),
      poison: new PoisonMessages(options.crashes),
      outcomes: new Outcomes(options),
    };
  }

  /** How many are in hand. */
  get inHand(): number {
    return this.#parts.inFlight.size;
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

  /** Counts what was parked without us; `isNew` if it never began. */
  countParked(isNew: boolean): void {
    this.#parts.outcomes.parkedElsewhere(isNew);
  }

  /** Another bridge has spoken for the channel: what messages wait elsewhere is looked up anew. */
  forget(): void {
    this.#parts.forwarder.order.forget();
  }
}
