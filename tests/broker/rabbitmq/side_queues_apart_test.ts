/**
 * What can't be done with one side queue, or for one channel, stops neither that channel's messages nor
 * another channel's.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "amqplib";
import { delayQueue } from "../../../src/broker/mod.ts";
import { Declarer } from "../../../src/broker/rabbitmq/declarer.ts";
import { AmqpBroker } from "../../../src/broker/rabbitmq/rabbitmq_broker.ts";
import { amqpUrl, noRabbitmqctl, rabbitmqctl } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import { amqpAdapter, DELAYS, withChannel } from "./support.ts";
import { bench, bytes, DONE, Held } from "../bench.ts";

Deno.test("AmqpBroker says that the queue which shows who leads can't be had, and leads when it can", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue, extra } = made;
  const lead = extra("lead");
  const locking = await connect(amqpUrl());
  try {
    const channel = await locking.createChannel();
    await channel.assertQueue(lead, {
      exclusive: true,
      durable: true,
      arguments: { "x-queue-type": "classic" },
    });
    const held = new Held();
    const options = { connector: "x", queue: lead, onLead: () => {} };
    broker.consume(queue, { prefetch: 4, parkingQueue, lead: options }, held.handler);
    await broker.publish(queue, bytes("a"));
    await until("a fault", () => broker.status().faults.has(lead));
    assert.match(broker.status().faults.get(lead) ?? "", /exclusive/);
    assert.deepEqual(held.texts, []);
    await locking.close();
    await held.count(1);
    held.answer(0, DONE);
    await until("the end of the fault", () => !broker.status().faults.has(lead));
  } finally {
    await locking.close().catch(() => {});
  }
});

const why = noRabbitmqctl();

Deno.test({
  name: "AmqpBroker delays without the right to configure, in a queue that is there and bound",
  ignore: why !== undefined,
  async fn() {
    await using made = await bench(amqpAdapter);
    const { queue, parkingQueue } = made;
    const delayMs = made.longDelayMs();
    const model = await connect(amqpUrl());
    await new Declarer(model, { exchange: "vumi" }).delay(delayMs);
    await model.close();
    const user = `limited-${crypto.randomUUID()}`;
    await rabbitmqctl("add_user", user, "pw");
    await rabbitmqctl("set_permissions", user, "^$", ".*", ".*");
    const url = new URL(amqpUrl());
    url.username = user;
    url.password = "pw";
    const broker = AmqpBroker.open({ urls: [url.href], exchange: "vumi", ...DELAYS });
    try {
      const held = new Held();
      broker.consume(queue, { prefetch: 4, parkingQueue }, held.handler);
      await withChannel(async (channel) => {
        channel.sendToQueue(queue, Buffer.from("a"));
        await channel.checkQueue(queue);
      });
      await held.count(1);
      held.answer(0, { kind: "later", delayMs, headers: {} });
      await until(
        "it to be delayed, or a fault",
        async () =>
          broker.status().faults.size > 0 || await made.broker.depth(delayQueue(delayMs)) === 1,
      );
      assert.deepEqual([...broker.status().faults], []);
    } finally {
      await broker[Symbol.asyncDispose]();
      await rabbitmqctl("delete_user", user);
    }
  },
});
