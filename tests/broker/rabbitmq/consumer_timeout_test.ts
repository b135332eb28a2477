/**
 * RabbitMQ's own time-out for what is not acked: up to 4.2 it closes the channel; from 4.3 on it takes the
 * message back from a quorum queue's consumer, which it cancels, and leaves the channel open.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "amqplib";
import { brokerChoice } from "../../support/broker_choice.ts";
import { type RabbitMqServer, startRabbitMq } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import { adapterAt, withChannel } from "./support.ts";
import { bench, bytes, DONE, Held, text } from "../bench.ts";

const { version, queues } = brokerChoice();
const why = version !== "4.3" || queues !== "quorum" ? "it needs --broker 4.3 --queues quorum" : "";

function test(name: string, run: (server: RabbitMqServer) => Promise<void>): void {
  Deno.test({
    name: why ? `${name} (${why})` : name,
    ignore: why !== "",
    async fn() {
      await using server = await startRabbitMq();
      await server.rabbitmqctl("eval", "application:set_env(rabbit, consumer_timeout, 5000).");
      await run(server);
    },
  });
}

test("AmqpBroker parks once what RabbitMQ took back while it could not be parked", async (server) => {
  await using made = await bench(adapterAt(() => server.url));
  const { broker, queue, extra } = made;
  const parkingQueue = extra("locked");
  const locking = await connect(server.url);
  try {
    const channel = await locking.createChannel();
    await channel.assertQueue(parkingQueue, {
      exclusive: true,
      durable: true,
      arguments: { "x-queue-type": "classic" },
    });
    let times = 0;
    broker.consume(queue, { prefetch: 4, parkingQueue }, () => {
      times++;
      return Promise.resolve({ kind: "park", reason: "bad" });
    });
    await broker.publish(queue, bytes("a"));
    await until("it to come four times", () => times >= 4);
  } finally {
    await locking.close();
  }
  await until("it to be parked", async () => (await broker.depth(parkingQueue) ?? 0) > 0);
  await until("the end of the fault", () => broker.status().faults.size === 0);
  await delay(1_000);
  assert.equal(await broker.depth(parkingQueue), 1);
});

test("AmqpBroker keeps its connection when a queue is deleted whose consumer had timed out", async (server) => {
  await using made = await bench(adapterAt(() => server.url));
  const { broker, queue, parkingQueue, extra } = made;
  const [slow, other] = [new Held(), new Held()];
  const otherQueue = extra("other");
  broker.declare(otherQueue);
  broker.consume(queue, { prefetch: 4, parkingQueue }, slow.handler);
  await broker.publish(queue, bytes("a"));
  await slow.count(2);
  slow.answer(1, DONE);
  broker.consume(otherQueue, { prefetch: 4, parkingQueue }, other.handler);
  await broker.publish(otherQueue, bytes("b"));
  await other.count(1);
  await withChannel((channel) => channel.deleteQueue(queue), server.url);
  await delay(1_000);
  assert.deepEqual(other.messages.map((each) => [text(each), each.lost.aborted]), [["b", false]]);
  other.answer(0, DONE);
});
