/**
 * The parked messages of several channels, one channel after the other.
 *
 * @module
 */

import type { Broker } from "../broker/mod.ts";
import { bringBack, countLeft } from "../vumi/mod.ts";
import { type ParkedFilter, type ParkedMessage, ParkedMessages } from "./parked_messages.ts";

/** {@linkcode ParkedMessages} of several channels, and what earlier versions left in partition queues. */
export class ParkedChannels {
  readonly #channels: ReadonlyMap<string, ParkedMessages>;
  readonly #broker: Broker;

  constructor(connectors: readonly string[], broker: Broker) {
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
    return this.#sum((name) => bringBack({ name, broker: this.#broker }));
  }

  countPartitions(): Promise<number> {
    return this.#sum((name) => countLeft({ name, broker: this.#broker }));
  }

  async #sum(
    work: (connector: string, messages: ParkedMessages) => Promise<number>,
  ): Promise<number> {
    let sum = 0;
    for (const [connector, messages] of this.#channels) sum += await work(connector, messages);
    return sum;
  }
}
