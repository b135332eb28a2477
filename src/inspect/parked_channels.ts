/**
 * The parked messages of several channels, one channel after the other.
 *
 * @module
 */

import { findPartitions, replayPartitions } from "../vumi/mod.ts";
import {
  type ParkedBroker,
  type ParkedFilter,
  type ParkedMessage,
  ParkedMessages,
} from "./parked_messages.ts";

/** What {@linkcode ParkedMessages} is to one channel. */
export class ParkedChannels {
  readonly #channels: ReadonlyMap<string, ParkedMessages>;
  readonly #broker: ParkedBroker;

  /** Makes it; no I/O. */
  constructor(connectors: readonly string[], broker: ParkedBroker) {
    this.#broker = broker;
    this.#channels = new Map(
      connectors.map((name) => [name, new ParkedMessages({ name, broker })]),
    );
  }

  /** See {@linkcode ParkedMessages.list}. */
  async list(
    filter: ParkedFilter,
    visit: (message: ParkedMessage, connector: string) => void,
  ): Promise<void> {
    for (const [connector, messages] of this.#channels) {
      await messages.list(filter, (message) => visit(message, connector));
    }
  }

  /** See {@linkcode ParkedMessages.replay}. */
  replay(filter: ParkedFilter): Promise<number> {
    return this.#sum((_, messages) => messages.replay(filter));
  }

  /** See {@linkcode ParkedMessages.discard}. */
  discard(filter: ParkedFilter): Promise<number> {
    return this.#sum((_, messages) => messages.discard(filter));
  }

  /** See {@linkcode replayPartitions}. */
  replayPartitions(): Promise<number> {
    return this.#sum((name) => replayPartitions(name, this.#broker));
  }

  /** How many messages {@linkcode replayPartitions} would find. */
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
