/**
 * Moving on a real RabbitMQ: what a message keeps, and that nothing is lost and the order is held
 * when connections end, on queues of either type and beside those who do not move.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { MessageProperties } from "amqplib";
import { AmqpBroker } from "../../src/broker/amqp.ts";
import type { Broker, MoveOptions } from "../../src/broker/mod.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";
import { amqpAdapter, DELAYS, proxiedBench, withChannel } from "./amqp_support.ts";
import { bench, bytes, DONE, Held, text } from "./bench.ts";

const open = (): AmqpBroker => AmqpBroker.open({ urls: [amqpUrl()], exchange: "vumi", ...DELAYS });

function allTo(target: string): MoveOptions {
  return {
    targets: [target],
    route: ({ redelivered }) => ({
      to: target,
      ...(redelivered && { headers: { "x-again": 1 } }),
    }),
  };
}

Deno.test("AmqpBroker.move() leaves body and properties as they are", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, extra } = made;
  const target = extra("p0");
  const sent = {
    contentType: "application/json",
    contentEncoding: "utf-8",
    correlationId: "c",
    replyTo: "r",
    messageId: "m",
    type: "t",
    appId: "a",
    timestamp: 1_700_000_000,
    priority: 3,
    expiration: "3600000",
    headers: {
      "x-retry-attempts": 2,
      traceparent: "00-1-2-01",
      nested: { list: [1, "two", true], empty: {} },
      "x-death": [{ queue: "q", count: 1, reason: "expired" }],
    },
  };
  const body = Buffer.from([0, 255, 1, 2]);
  const moved = await withChannel(async (channel) => {
    channel.sendToQueue(queue, body, { ...sent, persistent: true });
    // RabbitMQ takes a user id from its owner only, and delivers to all of CC.
    channel.sendToQueue(queue, body, { userId: "guest", CC: ["nowhere"] });
    const mover = broker.move(queue, allTo(target));
    await until("both", async () => await broker.depth(target) === 2);
    await mover.stop();
    const first = await channel.get(target, { noAck: true });
    const second = await channel.get(target, { noAck: true });
    assert.ok(first && second);
    return [first, second];
  });
  const [first, second] = moved.map(({ properties }) => present(properties));
  assert.deepEqual(first, { ...sent, deliveryMode: 2 });
  assert.deepEqual(moved.map(({ content }) => content), [body, body]);
  assert.equal(second?.["userId"], undefined);
  assert.equal(second?.["headers"]["x-original-user-id"], "guest");
});

// deno-lint-ignore no-explicit-any -- The headers may be anything.
function present(properties: MessageProperties): Record<string, any> {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}

Deno.test("AmqpBroker.move() loses and reorders nothing when its connection ends again and again", async () => {
  await using made = await proxiedBench();
  await using clean = open();
  const { broker, queue, extra, proxy } = made;
  const target = extra("p0");
  const texts = Array.from({ length: 3_000 }, (_, n) => `${n}`);
  await until("it to be open", () => clean.status().state === "open");
  await Promise.all(texts.map((each) => clean.publish(queue, bytes(each))));
  const mover = broker.move(queue, allTo(target));
  const received: { text: string; isMarked: boolean }[] = [];
  clean.consume(target, { prefetch: 50, parkingQueue: made.parkingQueue }, (message) => {
    received.push({ text: text(message), isMarked: message.headers["x-again"] === 1 });
    return Promise.resolve(DONE);
  });
  let cuts = 0;
  for (const at of [200, 1000, 1800]) {
    await until(`${at} to be moved`, () => received.length >= at);
    proxy.cut();
    cuts++;
  }
  await until("all", () => new Set(received.map(({ text }) => text)).size === texts.length);
  await mover.stop();
  const seen = new Set<string>();
  for (const { text, isMarked } of received) {
    if (seen.has(text)) assert.ok(isMarked, `${text} came twice and is not marked`);
    seen.add(text);
  }
  assert.deepEqual([...seen], texts);
  assert.equal(cuts, 3);
});

for (const type of ["classic", "quorum"] as const) {
  Deno.test(`only one program moves at a time, and the next one takes over: ${type} queues`, async () => {
    const queue = `test.${crypto.randomUUID()}`;
    const target = `${queue}.p0`;
    await withChannel((channel) =>
      Promise.all(
        [queue, target].map((name) =>
          channel.assertQueue(name, { durable: true, arguments: { "x-queue-type": type } })
        ),
      )
    );
    const movedBy: string[] = [];
    const move = (broker: Broker, name: string) =>
      broker.move(queue, {
        targets: [target],
        route: () => {
          movedBy.push(name);
          return { to: target };
        },
      });
    const first = open();
    await using second = open();
    await until(
      "both",
      () => [first, second].every(({ status }) => status.call(first).state === "open"),
    );
    move(first, "first");
    // It binds the queue.
    const put = () => first.publish(queue, bytes("0")).then(() => true, () => false);
    await until("the mover to be there", put);
    await until("it to be moved", () => movedBy.length === 1);
    move(second, "second");
    const held = new Held();
    await using reader = open();
    reader.consume(target, { prefetch: 500, parkingQueue: `${queue}.parked` }, held.handler);
    for (let n = 1; n < 100; n++) await second.publish(queue, bytes(`${n}`));
    await held.count(100);
    assert.deepEqual(new Set(movedBy), new Set(["first"]));
    await first[Symbol.asyncDispose]();
    for (let n = 100; n < 200; n++) await second.publish(queue, bytes(`${n}`));
    await held.count(200);
    assert.deepEqual(held.texts, Array.from({ length: 200 }, (_, n) => `${n}`));
    await amqpAdapter.remove([queue, target, `${queue}.parked`]);
  });
}

Deno.test("of movers that begin at the same moment one moves, on quorum queues too", async () => {
  const queue = `test.${crypto.randomUUID()}`;
  const target = `${queue}.p0`;
  await withChannel(async (channel) => {
    await channel.assertExchange("vumi", "direct", { durable: true });
    await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } });
    await channel.bindQueue(queue, "vumi", queue);
  });
  const brokers = Array.from({ length: 4 }, open);
  await using connected = new AsyncDisposableStack();
  for (const broker of brokers) connected.use(broker);
  await Promise.all(brokers.map((broker) => broker.ready(30_000)));
  const movedBy: number[] = [];
  for (const [index, broker] of brokers.entries()) {
    broker.move(queue, {
      targets: [target],
      route: () => {
        movedBy.push(index);
        return { to: target };
      },
    });
  }
  const [publisher] = brokers;
  for (let n = 0; n < 300; n++) await publisher?.publish(queue, bytes(`${n}`));
  await until("all to be moved", () => movedBy.length >= 300);
  assert.equal(new Set(movedBy).size, 1, `${new Set(movedBy).size} have moved`);
  await connected.disposeAsync();
  await amqpAdapter.remove([queue, target]);
});

Deno.test("a mover and one who consumes without partitions wait for each other's end, and are ready", async () => {
  await using made = await bench(amqpAdapter);
  const { queue, extra, parkingQueue } = made;
  const target = extra("p0");
  const plain = open();
  const other = open();
  const held = new Held();
  const options = { prefetch: 10, parkingQueue };
  const consumer = plain.consume(queue, options, held.handler);
  await until("it to consume", () => plain.status().state === "open");
  const mover = other.move(queue, allTo(target));
  await until("the mover to be ready", () => other.status().state === "open");
  await made.broker.publish(queue, bytes("a"));
  await held.count(1);
  held.answer(0, DONE);
  await consumer.cancel();
  await made.broker.publish(queue, bytes("b"));
  await until("b to be moved", async () => await made.broker.depth(target) === 1);
  // The other way round.
  plain.consume(queue, options, held.handler);
  await made.broker.publish(queue, bytes("c"));
  await until("c to be moved", async () => await made.broker.depth(target) === 2);
  await until("it to be ready all the same", () => plain.status().state === "open");
  await mover.stop();
  await made.broker.publish(queue, bytes("d"));
  await held.count(2);
  assert.deepEqual(held.texts, ["a", "d"]);
  await plain[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

Deno.test("AmqpBroker.claim() is for one connection on quorum queues too, and ends with it", async () => {
  const queue = `test.${crypto.randomUUID()}`;
  await withChannel((channel) =>
    channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } })
  );
  const first = open();
  await using second = open();
  await first.ready(30_000);
  await second.ready(30_000);
  assert.ok(await first.claim(queue) !== undefined);
  assert.equal(await first.claim(queue), undefined);
  assert.equal(await second.claim(queue), undefined);
  await first[Symbol.asyncDispose]();
  await until("it to be free", async () => await second.claim(queue) !== undefined);
  await amqpAdapter.remove([queue]);
});
