/**
 * The short forms of the scenarios that leave the broker alone.
 *
 * @module
 */

import { amqpUrl } from "../support/rabbitmq.ts";
import { testOf } from "./short.ts";
import { SCENARIOS } from "./scenarios.ts";

for (const scenario of SCENARIOS) {
  const { short } = scenario;
  if (!short.needsServer) testOf(scenario, (seed) => short.run({ seed, url: amqpUrl() }));
}
