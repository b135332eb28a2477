/**
 * The short forms of the scenarios that stop the broker, or starve it: one after the other on one of
 * their own.
 *
 * @module
 */

import { startRabbitMq } from "../support/rabbitmq.ts";
import { SCENARIOS } from "./scenarios.ts";
import { assertPassed, titleOf } from "./short.ts";
import { seedOr } from "./seed.ts";

Deno.test("chaos of the broker, in short", async (test) => {
  await using server = await startRabbitMq();
  for (const scenario of SCENARIOS) {
    const { short } = scenario;
    if (!short.needsServer) continue;
    await test.step(titleOf(scenario), async () => {
      assertPassed(await short.run({ seed: seedOr(undefined), url: server.url, server }));
    });
  }
});
