import assert from "node:assert/strict";
import { AmqpBroker } from "../../../src/broker/rabbitmq/rabbitmq_broker.ts";
import { areQuorum } from "../../support/queues.ts";
import { until } from "../../support/until.ts";
import { amqpAdapter, withChannel } from "./support.ts";
import { bench, bytes, DONE, Held } from "../bench.ts";
import { brokerContract } from "../contract.ts";

brokerContract(amqpAdapter);

const UNREADABLE = [
  "",
  "localhost",
  "http://u:secret@host",
  "amqp://",
  "amqp://u:secret@host:port",
  "amqp://u:secret@host?heartbeat=abc",
];
for (const url of UNREADABLE) {
  Deno.test(`AmqpBroker.open() refuses the address "${url}" without repeating it`, () => {
    assert.throws(() => AmqpBroker.open({ urls: [url], exchange: "vumi" }), (error) => {
      assert.ok(error instanceof TypeError);
      assert.doesNotMatch(`${error.message}${error.stack}`, /secret/);
      return true;
    });
  });
}

Deno.test("AmqpBroker delivers the answers that were given before it is closed", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  // A quorum queue has 32 acks under way at most, and those behind them end with the channel.
  const length = areQuorum() ? 20 : 200;
  const texts = Array.from({ length }, (_, index) => `${index}`);
  await Promise.all(texts.map((each) => broker.publish(queue, bytes(each))));
  const held = new Held();
  const consumer = broker.consume(queue, { prefetch: 200, parkingQueue }, held.handler);
  await held.count(texts.length);
  for (const index of texts.keys()) held.answer(index, DONE);
  await consumer.settled();
  await broker[Symbol.asyncDispose]();
  const { messageCount } = await withChannel((channel) => channel.checkQueue(queue));
  assert.equal(messageCount, 0);
});

Deno.test("AmqpBroker.declare() makes a queue while it is open, with no message to ask for it", async () => {
  await using made = await bench(amqpAdapter);
  const later = made.extra("later");
  made.broker.declare(later);
  await until("the queue", () =>
    withChannel((channel) => {
      channel.on("error", () => {}); // There is no such queue yet.
      return channel.checkQueue(later);
    }).then(() => true, () => false));
});

Deno.test("AmqpBroker has no consumer at the server once it is cancelled, and what was in work is done", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  const held = new Held();
  const consumer = broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  await broker.publish(queue, bytes("a"));
  await held.count(1);
  const consumers = () =>
    withChannel(async (channel) => (await channel.checkQueue(queue)).consumerCount);
  assert.equal(await consumers(), 1);
  await consumer.cancel();
  held.answer(0, DONE);
  await until("its end", async () => await consumers() === 0);
});
