/**
 * The short forms of the scenarios that leave the broker alone. `CHAOS_SEED` repeats what failed.
 *
 * @module
 */

import { amqpUrl } from "../support/rabbitmq.ts";
import { SCENARIOS } from "./scenarios.ts";
import { assertPassed, titleOf } from "./short.ts";
import { seedOr } from "./seed.ts";

for (const scenario of SCENARIOS) {
  const { short } = scenario;
  if (short.needsServer) continue;
  Deno.test({
    name: titleOf(scenario),
    ignore: scenario.whyNot?.() !== undefined,
    fn: async () => assertPassed(await short.run({ seed: seedOr(undefined), url: amqpUrl() })),
  });
}
