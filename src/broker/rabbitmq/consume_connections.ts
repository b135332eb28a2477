// The connections that messages are consumed on: one, and more when it has no channels left.

import { PoisonDeliveries } from "./codec/poison_deliveries.ts";
import { AmqpConnection, type AmqpConnectionOptions } from "./connection.ts";
import { Declarer, type DeclarerOptions } from "./declarer.ts";

/** Most consumers on a connection: RabbitMQ allows 2047 channels on one. */
const CONSUMERS_EACH = 1500;

export interface ConsumeConnection {
  readonly connection: AmqpConnection;
  declarer: Declarer | undefined;
  consumers: number;
}

type ConsumeConnectionsOptions = DeclarerOptions & Omit<AmqpConnectionOptions, "name" | "setup">;

export class ConsumeConnections {
  readonly #options: ConsumeConnectionsOptions;
  readonly #poisonDeliveries = new PoisonDeliveries();
  readonly #all: ConsumeConnection[] = [];
  /** The first connection, which also looks into queues. */
  readonly first: AmqpConnection;

  /** Connects the first one when it is started, and others as they are needed. */
  constructor(options: ConsumeConnectionsOptions) {
    this.#options = options;
    this.first = this.#add().connection;
  }

  get ready(): boolean {
    return this.#all.every(({ connection }) => connection.ready);
  }

  /** A connection that has room for another consumer, which the caller counts. */
  withRoom(): ConsumeConnection {
    const last = this.#all.at(-1);
    if (last !== undefined && last.consumers < CONSUMERS_EACH) return last;
    const added = this.#add();
    added.connection.start();
    return added;
  }

  reset(reason: string): void {
    for (const { connection } of this.#all) connection.reset(reason);
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map(({ connection }) => connection.close()));
  }

  #add(): ConsumeConnection {
    const added: ConsumeConnection = {
      consumers: 0,
      declarer: undefined,
      connection: new AmqpConnection({
        ...this.#options,
        name: "turn-channels consume",
        setup: async (model) => {
          this.#poisonDeliveries.watch(model);
          const declarer = new Declarer(model, this.#options);
          await declarer.exchange();
          added.declarer = declarer;
        },
      }),
    };
    this.#all.push(added);
    return added;
  }
}
