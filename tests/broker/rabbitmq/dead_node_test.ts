/**
 * Of a cluster a node dies: what lived on it is away, and nothing else. RabbitMQ answers who declares a
 * classic queue of a dead node only after a minute.
 */
import { Buffer } from "node:buffer";
import { AmqpBroker } from "../../../src/broker/rabbitmq/rabbitmq_broker.ts";
import { brokerChoice, noNewerBroker } from "../../support/broker_choice.ts";
import { startCluster } from "../../support/rabbitmq_cluster.ts";
import { until } from "../../support/until.ts";
import { DELAYS, withChannel } from "./support.ts";
import { bytes, DONE, Held } from "../bench.ts";

const why = brokerChoice().version === "own" ? "it needs --broker 4.3" : noNewerBroker();

Deno.test({
  name: `a dead node stops no channel whose queues live on${why ? ` (${why})` : ""}`,
  ignore: why !== undefined,
  async fn() {
    await using cluster = await startCluster({ nodes: 3, queues: "classic" });
    const [first = "", second = ""] = cluster.urls;
    const [queue, parkingQueue, lead] = ["x.inbound", "x.inbound.parked", "x.lead"];
    await withChannel(async (channel) => {
      await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } });
    }, first);
    // Queues are classic unless they are asked to be others, and live where they are declared.
    await using declaring = AmqpBroker.open({
      urls: [second, second],
      exchange: "vumi",
      ...DELAYS,
    });
    const leading = Promise.withResolvers<void>();
    const onLead = () => leading.resolve();
    const options = { connector: "x", queue: lead, onLead };
    declaring.consume(queue, { prefetch: 4, parkingQueue, lead: options }, new Held().handler);
    await leading.promise;
    await using broker = AmqpBroker.open({ urls: [first], exchange: "vumi", ...DELAYS });
    const held = new Held();
    broker.consume(
      queue,
      { prefetch: 4, parkingQueue, lead: { ...options, onLead: () => {} } },
      held.handler,
    );
    broker.declare(queue);
    await declaring[Symbol.asyncDispose]();
    await broker.publish(queue, bytes("before"));
    await held.count(1);
    held.answer(0, DONE);
    await cluster.kill(2);
    await until(
      "a message to be published",
      () => broker.publish(queue, bytes("after")).then(() => true, () => false),
    );
    await until("it to be consumed", () => held.texts.includes("after"), 45_000);
  },
});

Deno.test({
  name: `queues on a dead node don't keep others from being consumed${why ? ` (${why})` : ""}`,
  ignore: why !== undefined,
  async fn() {
    await using cluster = await startCluster({ nodes: 3, queues: "classic" });
    const [first = "", second = ""] = cluster.urls;
    const dead = Array.from({ length: 12 }, (_, index) => `dead${index}.inbound`);
    const queue = "x.inbound";
    await withChannel(async (channel) => {
      await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } });
    }, first);
    await withChannel(async (channel) => {
      for (const each of dead) await channel.assertQueue(each, { durable: true });
    }, second);
    await cluster.kill(2);
    await using broker = AmqpBroker.open({ urls: [first], exchange: "vumi", ...DELAYS });
    const held = new Held();
    for (const each of [...dead, queue]) {
      const options = { prefetch: 4, parkingQueue: `${each}.parked` };
      broker.consume(each, options, each === queue ? held.handler : new Held().handler);
    }
    await withChannel(async (channel) => {
      channel.sendToQueue(queue, Buffer.from("a"));
      await channel.checkQueue(queue);
    }, first);
    // RabbitMQ takes a minute to answer about each dead one.
    await until("it to be consumed", () => held.messages.length > 0, 30_000);
    held.answer(0, DONE);
    await until("it to be told of a queue", () => broker.status().faults.has("dead0.inbound"));
  },
});
