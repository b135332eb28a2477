import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { MessageProperties, Options } from "amqplib";
import {
  decodeProperties,
  encodeProperties,
} from "../../../src/broker/rabbitmq/codec/properties.ts";
import { FieldBytes } from "../../../src/broker/rabbitmq/codec/raw_values.ts";
import { copyOf, delayedCopy, undelayed } from "../../../src/broker/rabbitmq/copy_properties.ts";
import { type BrokerMessage, delayQueue, type Disposition } from "../../../src/broker/mod.ts";
import { amqpUrl } from "../../support/rabbitmq.ts";
import { workersQueue } from "../../support/queues.ts";
import { until } from "../../support/until.ts";
import { amqpAdapter, KEPT, ONLY_KEPT, sendTo, untilFound, withChannel } from "./support.ts";
import { type Bench, bench, bytes, Held } from "../bench.ts";

const SHORT_MS = 50;

function later(delayMs = SHORT_MS, headers = {}): Disposition {
  return { kind: "later", delayMs, headers };
}

/** Has a message delayed so many times and then parked. Returns the deliveries and the copy. */
async function delayAndPark(made: Bench, properties: Options.Publish, times: number) {
  const { broker, queue, parkingQueue } = made;
  const deliveries: BrokerMessage[] = [];
  await sendTo(queue, ["body"], properties);
  broker.consume(queue, { prefetch: 9, parkingQueue }, (message) => {
    deliveries.push(message);
    return Promise.resolve(
      deliveries.length <= times ? later() : { kind: "park", reason: "bad" },
    );
  });
  return { deliveries, copy: await untilFound(parkingQueue) };
}

Deno.test("AmqpBroker delays in shared queues that need no plugin, and vumi's have no arguments", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  const delayMs = made.longDelayMs();
  const held = new Held();
  broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  await broker.publish(queue, bytes("a"));
  await held.count(1);
  held.answer(0, later(delayMs));
  const name = delayQueue(delayMs);
  await until("the delay", async () => await broker.depth(name) === 1);
  // A message of any queue that waits there goes back by its routing key.
  await withChannel(async (channel) => {
    await channel.checkExchange(name);
    const waiting = await channel.get(name);
    assert.ok(waiting);
    assert.equal(waiting.fields.routingKey, queue);
  });
  await withChannel((channel) => channel.assertQueue(queue, workersQueue()));
});

Deno.test("delaying and then parking leaves body and properties unchanged", async () => {
  await using made = await bench(amqpAdapter);
  const headers = { text: "é", list: ["a", 1, [null]], time: { "!": "timestamp", value: 1 } };
  const { deliveries, copy } = await delayAndPark(made, { ...KEPT, headers }, 3);
  assert.equal(copy.content.toString(), "body");
  const { headers: left, ...others } = copy.properties;
  assert.deepEqual(others, ONLY_KEPT);
  for (const delivery of deliveries) assert.deepEqual(delivery.headers, headers);
  const { "x-parked-at": _at, "x-parked-from": _from, "x-parked-reason": _, ...own } = left ?? {};
  assert.deepEqual(own, headers);
});

Deno.test("delaying carries what would delete or misdirect the message along", async () => {
  await using made = await bench(amqpAdapter);
  const userId = new URL(amqpUrl()).username || "guest";
  const { deliveries, copy } = await delayAndPark(
    made,
    { expiration: "60000", userId, deliveryMode: 1, CC: ["other"] },
    2,
  );
  const carried = {
    "x-original-expiration": "60000",
    "x-original-user-id": userId,
    "x-original-cc": ["other"],
  };
  assert.deepEqual(deliveries[2]?.headers, carried);
  assert.equal(copy.properties.expiration, undefined);
  assert.equal(copy.properties.deliveryMode, 2);
  const { "x-parked-at": _at, "x-parked-from": _from, "x-parked-reason": _, ...own } =
    copy.properties.headers ?? {};
  assert.deepEqual(own, carried);
});

Deno.test("delaying neither loses nor forgets a message that has expired in its queue before", async () => {
  await using made = await bench(amqpAdapter);
  const death = {
    count: 1,
    reason: "expired",
    queue: made.queue,
    exchange: "vumi",
    "routing-keys": [made.queue],
    time: { "!": "timestamp", value: 1_700_000_000 },
  };
  const headers = {
    "x-death": [death],
    "x-first-death-queue": made.queue,
    "x-first-death-reason": "expired",
    "x-first-death-exchange": "vumi",
  };
  const { deliveries, copy } = await delayAndPark(made, { headers }, 2);
  for (const delivery of deliveries) assert.deepEqual(delivery.headers, headers);
  assert.equal(deliveries.length, 3);
  assert.deepEqual(copy.properties.headers?.["x-death"], [death]);
  assert.ok(!("x-original-death" in (copy.properties.headers ?? {})));
});

Deno.test("undelayed() leaves what others' dead-lettering has noted", () => {
  const entry = (queue: string) => ({ queue, reason: "expired", count: 1 });
  const headers = {
    "x-death": [entry("q.delay.5s"), entry("theirs"), entry("q.delay.theirs")],
    "x-first-death-queue": "q.delay.5s",
    "x-first-death-reason": "expired",
    "x-last-death-queue": "theirs",
    "x-last-death-reason": "expired",
    "x-original-death": { "x-death": [entry("before")], "x-last-death-queue": "before" },
    other: 1,
  };
  const properties: unknown = { headers };
  // Messages have more properties; none has to be there.
  const before = undelayed(properties as MessageProperties, "q");
  assert.deepEqual(before.headers, {
    "x-death": [entry("theirs"), entry("q.delay.theirs"), entry("before")],
    "x-last-death-queue": "theirs",
    "x-last-death-reason": "expired",
    other: 1,
  });
  const parked = decodeProperties(encodeProperties(copyOf(before, {}))).headers ?? {};
  assert.deepEqual(parked["x-death"], before.headers?.["x-death"]);
  const delayed = delayedCopy(before, {}).headers;
  assert.deepEqual(Object.keys(delayed), ["other", "x-original-death"]);
});

for (
  const name of [
    "turn-channels.delay.60s",
    "turn-channels.delay.50ms",
    "q.delay.60s",
    "q.delay.50ms",
  ]
) {
  Deno.test(`undelayed() takes what is noted of ${name} away`, () => {
    const headers = {
      "x-death": [{ queue: name, reason: "expired" }],
      "x-first-death-queue": name,
      "x-first-death-reason": "expired",
      "x-last-death-queue": name,
      other: 1,
    };
    const properties = decodeProperties(encodeProperties({ headers }));
    assert.deepEqual(undelayed(properties, "q").headers, { other: 1 });
  });
}

for (const name of ["turn-channels.delay.s", "turn-channels.delay.60s.x", "p.delay.60s"]) {
  Deno.test(`undelayed() leaves what is noted of ${name}`, () => {
    const headers = { "x-death": [{ queue: name, reason: "expired" }] };
    const properties = decodeProperties(encodeProperties({ headers }));
    assert.deepEqual(undelayed(properties, "q").headers, headers);
  });
}

Deno.test("undelayed() gives back what RabbitMQ had noted before, byte for byte", () => {
  const death = {
    count: new FieldBytes(Buffer.from([0x6c, 0, 0, 0, 0, 0, 0, 0, 1])),
    queue: "theirs",
    n: new FieldBytes(Buffer.from([0x75, 0, 3])),
  };
  const bytes = encodeProperties({ headers: { a: 1, "x-death": [death] } });
  const delayed = encodeProperties(delayedCopy(decodeProperties(bytes), {}));
  const back = undelayed(decodeProperties(delayed), "q");
  const { mandatory: _, persistent: __, ...copy } = copyOf(back, {});
  assert.deepEqual(encodeProperties(copy), bytes);
});

Deno.test("AmqpBroker keeps a message until it is delayed, also when the delay queue is gone", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  const delayMs = made.longDelayMs();
  const waits = delayQueue(delayMs);
  const held = new Held();
  broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  for (const each of ["a", "b", "c"]) await broker.publish(queue, bytes(each));
  await held.count(3);
  held.answer(0, later(delayMs));
  await until("the first to be delayed", async () => await broker.depth(waits) === 1);
  await withChannel((channel) => channel.deleteQueue(waits));
  held.answer(1, later(delayMs));
  await until("the second to be delayed", async () => await broker.depth(waits) === 1);
  await withChannel((channel) => channel.deleteExchange(waits));
  held.answer(2, later(delayMs));
  await until("the third to be delayed", async () => await broker.depth(waits) === 2);
});

Deno.test("AmqpBroker keeps the order of messages whose delay queue is gone", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  // Of its own, as it is deleted: all tests share the short one.
  const delayMs = 300 + Math.floor(Math.random() * 500);
  const held = new Held();
  broker.consume(queue, { prefetch: 99, parkingQueue }, held.handler);
  const texts = Array.from({ length: 20 }, (_, index) => `${index}`);
  for (const each of ["first", ...texts]) await broker.publish(queue, bytes(each));
  await held.count(1 + texts.length);
  held.answer(0, later(delayMs));
  await held.count(2 + texts.length);
  await withChannel((channel) => channel.deleteQueue(delayQueue(delayMs)));
  for (const index of texts.keys()) held.answer(1 + index, later(delayMs));
  await held.count(2 + 2 * texts.length);
  assert.deepEqual(held.texts.slice(2 + texts.length), texts);
});
