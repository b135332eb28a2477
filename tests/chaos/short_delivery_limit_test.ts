/**
 * The short form of the scenario about the delivery limit, on a broker of its own; and on RabbitMQ 4.0,
 * which counts all that is returned, with the limit that it has by itself. `.ci/run` runs the files with
 * `delivery_limit` in their names on 4.0 too.
 *
 * @module
 */

import { brokerChoice } from "../support/broker_choice.ts";
import { startRabbitMq } from "../support/rabbitmq.ts";
import { beyondLimit } from "./beyond_limit.ts";
import { LIMIT_SCENARIO, SCENARIOS } from "./scenarios.ts";
import { seedOr } from "./seed.ts";
import { assertPassed, titleOf } from "./short.ts";

for (const scenario of SCENARIOS) {
  const { short, number } = scenario;
  if (number !== LIMIT_SCENARIO || !short.needsServer) continue;
  Deno.test(titleOf(scenario), async () => {
    await using server = await startRabbitMq();
    assertPassed(await short.run({ seed: seedOr(undefined), url: server.url, server }));
  });
}

const { version, queues } = brokerChoice();

Deno.test({
  name: "chaos 10 with the limit that RabbitMQ 4.0 has by itself",
  ignore: version !== "4.0" || queues !== "quorum",
  async fn() {
    await using server = await startRabbitMq();
    const run = { seed: seedOr(undefined), url: server.url, server };
    const size = { messages: 60, requests: 10, users: 20, losses: 26 };
    assertPassed([await beyondLimit(run, size, "refuses connections")]);
  },
});
