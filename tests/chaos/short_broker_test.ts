/**
 * The short forms of the scenarios that stop the broker, or starve it: one after the other on one of
 * their own. That of the delivery limit is in short_delivery_limit_test.ts.
 *
 * @module
 */

import { startRabbitMq } from "../support/rabbitmq.ts";
import { LIMIT_SCENARIO, SCENARIOS } from "./scenarios.ts";
import { assertPassed, titleOf } from "./short.ts";
import { seedOr } from "./seed.ts";

Deno.test("chaos of the broker, in short", async (test) => {
  await using server = await startRabbitMq();
  for (const scenario of SCENARIOS) {
    const { short, number } = scenario;
    if (!short.needsServer || number === LIMIT_SCENARIO) continue;
    await test.step(titleOf(scenario), async () => {
      assertPassed(await short.run({ seed: seedOr(undefined), url: server.url, server }));
    });
  }
});
