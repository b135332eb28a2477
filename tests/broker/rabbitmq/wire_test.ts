import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type HeaderField, headerFieldsOf } from "../../../src/broker/rabbitmq/codec/raw_values.ts";
import { rawProperties } from "../../../src/broker/rabbitmq/codec/unchanged.ts";
import type { BrokerMessage, Disposition } from "../../../src/broker/mod.ts";
import { POISON } from "../../support/poison.ts";
import { NO_PROPERTIES, publishRaw, type RawMessage } from "../../support/raw_amqp.ts";
import { amqpUrl } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import { amqpAdapter, untilRaw } from "./support.ts";
import { bench, bytes, DONE, text } from "../bench.ts";

const SHORT_MS = 50;

/** The bytes of the headers and of the other properties. */
function partsOf({ propertyBytes }: RawMessage) {
  const { headers = Buffer.alloc(0), ...others } = rawProperties(Buffer.from(propertyBytes));
  return { headers: headerFieldsOf(headers).map(textOf), others };
}

/** RabbitMQ itself writes the type L as l, when it takes the message out of a delay queue. */
function textOf({ name, value: { bytes } }: HeaderField): string {
  return `${name} ${bytes.toString("latin1").replace(/^L/, "l")}`;
}

for (const [name, propertyBytes] of Object.entries(POISON)) {
  Deno.test(`AmqpBroker takes, delays and parks a message that amqplib can't: ${name}`, async () => {
    await using made = await bench(amqpAdapter);
    const { broker, queue, parkingQueue, extra } = made;
    const plain = extra("plain"), other = extra("other");
    for (const name of [plain, other]) broker.declare(name);
    await until("the queues", async () => await broker.depth(other) === 0);
    await until("the queues", async () => await broker.depth(plain) === 0);
    const body = bytes(`poison: ${name}`);
    for (const routingKey of [queue, plain]) {
      await publishRaw(amqpUrl(), { routingKey, propertyBytes, body });
    }
    await broker.publish(other, bytes("before"));
    const seen: BrokerMessage[] = [], others: string[] = [];
    const options = { prefetch: 9, parkingQueue };
    broker.consume(other, options, (message) => {
      others.push(text(message));
      return Promise.resolve(DONE);
    });
    broker.consume(queue, options, (message) => {
      seen.push(message);
      const disposition: Disposition = seen.length === 1
        ? { kind: "later", delayMs: SHORT_MS, headers: { "x-retry-attempts": 1 } }
        : { kind: "park", reason: "bad" };
      return Promise.resolve(disposition);
    });
    const copy = await untilRaw(parkingQueue);
    await broker.publish(other, bytes("after"));
    await until("the other queue", () => others.length === 2);
    // On one and the same connection: nothing was delivered twice.
    assert.deepEqual(others, ["before", "after"]);
    assert.deepEqual(seen.map(({ redelivered }) => redelivered), [false, false]);
    assert.deepEqual(seen.map(text), [`poison: ${name}`, `poison: ${name}`]);
    assert.equal(seen[1]?.headers["x-retry-attempts"], 1);
    assert.equal(copy.body.toString(), `poison: ${name}`);
    // RabbitMQ may have changed them: another client gets the same.
    const wanted = partsOf(await untilRaw(plain)), found = partsOf(copy);
    for (const header of wanted.headers) assert.ok(found.headers.includes(header));
    assert.deepEqual({ ...found.others, deliveryMode: undefined }, {
      ...wanted.others,
      deliveryMode: undefined,
    });
  });
}

Deno.test("AmqpBroker.browse() reads and moves what amqplib can't", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  const all = Object.entries(POISON).map(([name, propertyBytes]) => ({
    routingKey: queue,
    propertyBytes,
    body: bytes(name),
  }));
  await publishRaw(amqpUrl(), ...all);
  await broker.browse(queue, ({ headers }) => ({ moveTo: parkingQueue, headers }));
  for (const { body } of all) {
    assert.equal((await untilRaw(parkingQueue)).body.toString(), text({ body } as BrokerMessage));
  }
});

/** A body of which each part differs. */
function bodyOf(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, index) => index % 251));
}

const SIZES = [0, 1, 2047, 2048, 2049, 131_064, 131_065, 400_000];

Deno.test("AmqpBroker publishes and consumes bodies of no frame, one and several", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  const found: Uint8Array[] = [];
  broker.consume(queue, { prefetch: 99, parkingQueue }, ({ body }) => {
    found.push(body);
    return Promise.resolve(DONE);
  });
  await Promise.all(SIZES.map((size) => broker.publish(queue, bodyOf(size), { size })));
  await until("all", () => found.length === SIZES.length);
  for (const [index, size] of SIZES.entries()) {
    assert.equal(Buffer.compare(found[index] ?? bytes("none"), bodyOf(size)), 0);
  }
});

Deno.test("AmqpBroker.browse() reads bodies of no frame, one and several", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue } = made;
  for (const size of SIZES) await broker.publish(queue, bodyOf(size));
  const found: number[] = [];
  await broker.browse(queue, ({ body }) => {
    found.push(body.length);
    return "drop";
  });
  assert.deepEqual(found, SIZES);
});

Deno.test("AmqpBroker consumes many small messages, which come in few packets", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  const texts = Array.from({ length: 5000 }, (_, index) => `${index}`);
  await Promise.all(texts.map((value) => broker.publish(queue, bytes(value), { value })));
  const found: string[] = [];
  broker.consume(queue, { prefetch: 5000, parkingQueue }, (message) => {
    assert.equal(message.headers["value"], text(message));
    found.push(text(message));
    return Promise.resolve(DONE);
  });
  await until("all", () => found.length === texts.length);
  assert.deepEqual(found, texts);
});

Deno.test("AmqpBroker.publish() is told what comes back, whatever its size", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue } = made;
  for (const size of SIZES) {
    await assert.rejects(broker.publish(`${queue}.none`, bodyOf(size), { size }), {
      name: "PublishError",
      fault: "refused",
      message: /no queue took it/,
    });
  }
  assert.equal(broker.status().state, "open");
});

Deno.test("a message without properties has a copy", async () => {
  await using made = await bench(amqpAdapter);
  const { broker, queue, parkingQueue } = made;
  const message = { routingKey: queue, propertyBytes: NO_PROPERTIES, body: bytes("a") };
  await publishRaw(amqpUrl(), message);
  const park = () => Promise.resolve({ kind: "park", reason: "bad" } as const);
  broker.consume(queue, { prefetch: 9, parkingQueue }, park);
  assert.equal((await untilRaw(parkingQueue)).body.toString(), "a");
});
