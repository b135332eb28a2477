import assert from "node:assert/strict";
import type { ConfirmChannel } from "amqplib";
import { AmqpBroker } from "../../../src/broker/rabbitmq/rabbitmq_broker.ts";
import { brokerChoice } from "../../support/broker_choice.ts";
import { amqpUrl, makesQuorumQueues } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import { bytes, DONE, Held } from "../bench.ts";
import { openWithExchange, ownExchange, untilFound, withChannel } from "./support.ts";

const DURABLE = { durable: true };
const QUORUM = { ...DURABLE, arguments: { "x-queue-type": "quorum" } };

/** Does something that the server may answer by closing the channel. */
async function refused(work: (channel: Pick<ConfirmChannel, "assertQueue">) => Promise<unknown>) {
  await assert.rejects(
    withChannel((channel) => {
      channel.on("error", () => {});
      return work(channel);
    }),
    /PRECONDITION_FAILED/,
  );
}

Deno.test("AmqpBroker uses an exchange and quorum queues as an operator declared them", async () => {
  await using made = ownExchange();
  const { exchange, queue, parkingQueue } = made;
  await withChannel(async (channel) => {
    await channel.assertExchange(exchange, "direct", { ...DURABLE, alternateExchange: "nowhere" });
    await channel.assertQueue(queue, QUORUM);
    await channel.assertQueue(parkingQueue, { ...QUORUM, maxLength: 7 });
  });
  await using broker = openWithExchange(exchange);
  broker.declare(queue);
  const held = new Held();
  broker.consume(queue, { prefetch: 5, parkingQueue }, held.handler);
  await until("the broker to be open", () => broker.status().state === "open");
  await broker.publish(queue, bytes("first"));
  await broker.publish(queue, bytes("second"));
  await held.count(2);
  assert.deepEqual(held.texts, ["first", "second"]);
  held.answer(0, { kind: "park", reason: "test" });
  held.answer(1, DONE);
  assert.equal((await untilFound(parkingQueue)).content.toString(), "first");
  // The queue is still the operator's. Where the server makes quorum queues by itself they are alike.
  if (!makesQuorumQueues(brokerChoice())) {
    await refused((channel) => channel.assertQueue(queue, DURABLE));
  }
});

Deno.test("AmqpBroker declares what is missing beside what is there: durable, without arguments", async () => {
  await using made = ownExchange();
  const { exchange, queue, parkingQueue } = made;
  await withChannel((channel) => channel.assertQueue(queue, QUORUM));
  await using broker = openWithExchange(exchange);
  broker.declare(queue);
  broker.declare(parkingQueue);
  await until("the broker to be open", () => broker.status().state === "open");
  await broker.publish(queue, bytes("a"));
  await broker.publish(parkingQueue, bytes("b"));
  await withChannel(async (channel) => {
    await channel.assertQueue(parkingQueue, DURABLE);
    await channel.assertExchange(exchange, "direct", DURABLE);
  });
});

for (const queueType of ["classic", "quorum"] as const) {
  Deno.test(`AmqpBroker declares its own queues as ${queueType} if told so, and workers' as ever`, async () => {
    const [published, consumed, workers] = [1, 2, 3].map(() => crypto.randomUUID());
    assert.ok(published && consumed && workers);
    const parkingQueue = `${consumed}.parked`;
    await using broker = AmqpBroker.open({ urls: [amqpUrl()], exchange: "vumi", queueType });
    broker.declare(published, { isOwn: true });
    broker.declare(workers);
    const held = new Held();
    broker.consume(consumed, { prefetch: 5, parkingQueue, isOwn: true }, held.handler);
    await until("the broker to be open", () => broker.status().state === "open");
    for (const queue of [published, workers]) await broker.publish(queue, bytes("a"));
    const own = { ...DURABLE, arguments: { "x-queue-type": queueType } };
    try {
      await withChannel(async (channel) => {
        for (const queue of [published, consumed, parkingQueue]) {
          await channel.assertQueue(queue, own);
        }
        await channel.assertQueue(workers, DURABLE);
      });
    } finally {
      await withChannel(async (channel) => {
        for (const queue of [published, consumed, parkingQueue, workers]) {
          await channel.deleteQueue(queue);
        }
      });
    }
  });
}
