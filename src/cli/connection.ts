/**
 * A connection to the broker for a command that looks at the queues of a running system.
 *
 * @module
 */

import { AmqpBroker } from "../broker/rabbitmq/rabbitmq_broker.ts";
import type { Broker } from "../broker/mod.ts";
import type { Config } from "../config/mod.ts";
import { PublishError } from "../vumi/mod.ts";
import { brokerOptions } from "../service/broker_options.ts";
import { EXIT } from "./exit_codes.ts";
import { printError } from "./print.ts";

/** Longest that connecting may take. */
const TIMEOUT_MS = 10_000;

/** Does `work` with the configuration's broker; returns its exit code, or that of a failed connection. */
export async function withBroker(
  config: Config,
  work: (broker: Broker) => Promise<number>,
): Promise<number> {
  const options = brokerOptions(config);
  if (options === undefined) {
    printError(
      "With amqp_url memory: the queues are inside the running bridge, and can't be reached from here.\n",
    );
    return EXIT.usage;
  }
  await using broker = AmqpBroker.open(options);
  try {
    await broker.ready(TIMEOUT_MS);
    return await work(broker);
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    printError(`${error.message}\nRun turn-channels check to see what to fix.\n`);
    return EXIT.unavailable;
  }
}
