/**
 * RabbitMQ's time-out for what is not acked, and who leads, which holds a token for as long as it does:
 * for months, if each token is acked in time for a new one.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { AmqpBroker } from "../../../src/broker/rabbitmq/rabbitmq_broker.ts";
import { brokerChoice } from "../../support/broker_choice.ts";
import { noRabbitmqctl, startRabbitMq } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import { adapterAt, DELAYS } from "./support.ts";
import { bench } from "../bench.ts";

const why = noRabbitmqctl();
const TIMEOUT_MS = 3_000;

Deno.test({
  name: "AmqpBroker leads for longer than RabbitMQ lets a message be held" +
    (why ? ` (${why})` : ""),
  ignore: why !== undefined,
  async fn() {
    // From 4.3 on only quorum queues have that time-out.
    const is43 = brokerChoice().version === "4.3";
    await using server = await startRabbitMq(is43 ? { queues: "quorum" } : {});
    // It is looked for what is too late by a channel's own clock, of a minute.
    await server.rabbitmqctl(
      "eval",
      `application:set_env(rabbit, consumer_timeout, ${TIMEOUT_MS}), ` +
        "application:set_env(rabbit, channel_tick_interval, 500).",
    );
    const termsBegun = async (after: (begun: () => number) => Promise<void>, tokenMs?: number) => {
      const open = () =>
        AmqpBroker.open({ urls: [server.url], exchange: "vumi", ...DELAYS, tokenMs });
      await using made = await bench(adapterAt(() => server.url), open);
      const { broker, queue, parkingQueue, extra } = made;
      let begun = 0;
      const lead = { connector: "x", queue: extra("lead"), onLead: () => void begun++ };
      const handler = () => Promise.resolve({ kind: "done" } as const);
      broker.consume(queue, { prefetch: 1, parkingQueue, lead }, handler);
      await until("it to lead", () => broker.leads(lead.queue));
      await after(() => begun);
      return begun;
    };
    assert.equal(await termsBegun(() => delay(4 * TIMEOUT_MS), TIMEOUT_MS / 5), 1);
    // One that keeps its token is stopped, so that RabbitMQ would have stopped the other one too.
    await termsBegun((begun) => until("a second term", () => begun() > 1));
  },
});
