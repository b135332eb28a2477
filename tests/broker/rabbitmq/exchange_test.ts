/**
 * An exchange that is not as ours is, and a user who may not do all that we would: what is refused,
 * and what is taken as it is.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { AmqpBroker } from "../../../src/broker/rabbitmq/rabbitmq_broker.ts";
import { amqpUrl, noRabbitmqctl, rabbitmqctl } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import { DELAYS, openWithExchange, ownExchange, sendTo, withChannel } from "./support.ts";
import { bytes, Held } from "../bench.ts";

for (const type of ["fanout", "topic"]) {
  Deno.test(`AmqpBroker does nothing with an exchange of type ${type}, says so, and tries again`, async () => {
    await using made = ownExchange();
    const { exchange, queue, parkingQueue } = made;
    await withChannel(async (channel) => {
      await channel.assertExchange(exchange, type, { durable: true });
      await channel.assertQueue(queue, { durable: true });
      await channel.bindQueue(queue, exchange, queue);
    });
    await sendTo(queue, ["theirs"]);
    await using broker = openWithExchange(exchange);
    broker.declare(queue);
    const held = new Held();
    broker.consume(queue, { prefetch: 5, parkingQueue }, held.handler);
    const said = new RegExp(`exchange ${exchange} is of type ${type}; vumi's is direct: delete it`);
    await assert.rejects(broker.ready(1_000), { message: said });
    assert.match(broker.status().reason ?? "", said);
    assert.deepEqual([broker.status().state, held.messages], ["connecting", []]);
    await assert.rejects(broker.publish(queue, bytes("a")), { fault: "unavailable" });
    await withChannel((channel) => channel.deleteExchange(exchange));
    await until("the broker to be open", () => broker.status().state === "open");
    assert.equal(broker.status().reason, undefined);
    await broker.publish(queue, bytes("ours"));
    await held.count(2);
    assert.deepEqual(held.texts, ["theirs", "ours"]);
  });
}

Deno.test("AmqpBroker does nothing any more when its exchange has become one of another type", async () => {
  await using made = ownExchange();
  const { exchange, queue, parkingQueue } = made;
  await using broker = AmqpBroker.open({
    urls: [amqpUrl()],
    exchange,
    ...DELAYS,
    bindEveryMs: 200,
  });
  broker.declare(queue);
  const held = new Held();
  broker.consume(queue, { prefetch: 5, parkingQueue }, held.handler);
  await broker.publish(queue, bytes("a"));
  await held.count(1);
  await withChannel(async (channel) => {
    await channel.deleteExchange(exchange);
    await channel.assertExchange(exchange, "fanout", { durable: true });
  });
  await until("the fault", () => /of type fanout/.test(broker.status().reason ?? ""));
  assert.equal(held.messages[0]?.lost.aborted, true);
  await withChannel((channel) => channel.deleteExchange(exchange));
  await until("the broker to be open", () => broker.status().state === "open");
});

const why = noRabbitmqctl();

Deno.test({
  name: `AmqpBroker starts without the rights to declare and to bind${why ? ` (${why})` : ""}`,
  ignore: why !== undefined,
  async fn() {
    await using made = ownExchange();
    const { exchange, queue, parkingQueue } = made;
    await withChannel(async (channel) => {
      await channel.assertExchange(exchange, "direct", { durable: true });
      for (const name of [queue, parkingQueue]) {
        await channel.assertQueue(name, { durable: true });
        await channel.bindQueue(name, exchange, name);
      }
    });
    const url = new URL(amqpUrl());
    Object.assign(url, { username: `limited-${crypto.randomUUID()}`, password: "pw" });
    await rabbitmqctl("add_user", url.username, "pw");
    await rabbitmqctl("set_permissions", url.username, "^$", `^${exchange}$`, `^${queue}$`);
    const records: LogRecord[] = [];
    await configure({
      sinks: { list: (record) => void records.push(record) },
      loggers: [{ category: "turn-channels", sinks: ["list"], lowestLevel: "warning" }, {
        category: ["logtape", "meta"],
        sinks: [],
      }],
    });
    try {
      for (let start = 0; start < 2; start++) { // It is told once.
        await using broker = AmqpBroker.open({ urls: [url.href], exchange, ...DELAYS });
        broker.declare(queue);
        const held = new Held();
        const consumer = broker.consume(queue, { prefetch: 5, parkingQueue }, held.handler);
        await until("the broker to be open", () => broker.status().state === "open");
        await broker.publish(queue, bytes("a"));
        await held.count(1);
        held.answer(0, { kind: "done" });
        await consumer.settled();
      }
      const told = records.filter(({ rawMessage }) => `${rawMessage}`.startsWith("Cannot bind"));
      const queues = told.map(({ properties }) => properties["queue"]);
      assert.deepEqual(queues, [queue]); // What is parked needs no binding.
    } finally {
      await reset();
      await rabbitmqctl("delete_user", url.username);
    }
  },
});
