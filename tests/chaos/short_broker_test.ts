/**
 * The short forms of the scenarios that stop the broker, or starve it: on one of their own.
 *
 * @module
 */

import { startRabbitMq } from "../support/rabbitmq.ts";
import { testOf } from "./short.ts";
import { SCENARIOS } from "./scenarios.ts";

for (const scenario of SCENARIOS) {
  const { short } = scenario;
  if (!short.needsServer) continue;
  testOf(scenario, async (seed) => {
    await using server = await startRabbitMq();
    return await short.run({ seed, url: server.url, server });
  });
}
