import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { MessageProperties } from "amqplib";
import { decodeProperties } from "../../../src/broker/rabbitmq/codec/properties.ts";
import { unreadableReason } from "../../../src/broker/rabbitmq/codec/poison_deliveries.ts";
import { field, headerBytes, publishRaw } from "../../support/raw_amqp.ts";
import { isByHand } from "../../support/queues.ts";
import { amqpUrl } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import { amqpAdapter, untilRaw, withChannel } from "./support.ts";
import { bench, bytes, DONE, text } from "../bench.ts";

/** A message over which amqplib fails in these tests, unless it is to be parked unread. */
const POISON = "poison";

interface Dispatcher {
  acceptMessageFrame(frame: { content?: Buffer; fields?: MessageProperties }): void;
  dispatchMessage(
    fields: unknown,
    message: { content: Buffer; properties: MessageProperties },
  ): void;
}

/** amqplib's own; those of channels inherit it. */
async function dispatcher(): Promise<Dispatcher> {
  let found: Dispatcher | undefined;
  await withChannel((channel) => {
    for (
      let prototype = Object.getPrototypeOf(channel);
      prototype;
      prototype = Object.getPrototypeOf(prototype)
    ) if (Object.hasOwn(prototype, "dispatchMessage")) found = prototype;
    return Promise.resolve();
  });
  assert.ok(found);
  return found;
}

/** Makes amqplib fail over the poison, in the one way or the other. */
async function fail(
  ends: "connection" | "channel",
): Promise<Disposable & { readonly times: number }> {
  const amqplib = await dispatcher();
  const { acceptMessageFrame, dispatchMessage } = amqplib;
  const failing = {
    times: 0,
    [Symbol.dispose]: () => Object.assign(amqplib, { acceptMessageFrame, dispatchMessage }),
  };
  const failOver = (content: Buffer | undefined, properties: MessageProperties | undefined) => {
    if (!properties || content?.toString() !== POISON) return;
    if (unreadableReason(properties) !== undefined) {
      // Nothing is left to fail at.
      assert.ok(Object.values(properties).every((value) => value === undefined));
      return;
    }
    failing.times++;
    throw new Error("a bug");
  };
  if (ends === "channel") {
    amqplib.dispatchMessage = function (fields, message) {
      failOver(message.content, message.properties);
      return dispatchMessage.call(this, fields, message);
    };
  } else {
    const last = new WeakMap<Dispatcher, MessageProperties>();
    amqplib.acceptMessageFrame = function (frame) {
      if (frame.fields && !frame.content) last.set(this, frame.fields);
      failOver(frame.content, last.get(this));
      return acceptMessageFrame.call(this, frame);
    };
  }
  return failing;
}

for (const ends of ["connection", "channel"] as const) {
  for (const type of ["classic", "quorum"]) {
    Deno.test(`AmqpBroker parks a delivery that has ended its ${ends} three times, in a ${type} queue`, async () => {
      await using made = await bench(amqpAdapter);
      const { broker, extra, parkingQueue } = made;
      const queue = extra(type), other = extra("other");
      const args = { arguments: { "x-queue-type": type } };
      await withChannel((channel) => channel.assertQueue(queue, args));
      broker.declare(queue);
      broker.declare(other);
      await until("the queue", async () => await broker.depth(other) === 0);
      const propertyBytes = headerBytes(field("a", "L", [0, 0, 0, 0, 0x80, 0, 0, 0]));
      const messages = ["before", POISON, "after"].map((value) => ({
        routingKey: queue,
        propertyBytes,
        body: bytes(value),
      }));
      await publishRaw(amqpUrl(), ...messages);
      const seen = new Set<string>(), others: string[] = [];
      {
        using failing = await fail(ends);
        let unread = 0;
        const onParked = (isNew: boolean): void => void (unread += isNew ? 1 : 0);
        broker.consume(queue, { prefetch: 2, parkingQueue, onParked }, (message) => {
          seen.add(text(message));
          return Promise.resolve(DONE);
        });
        broker.consume(other, { prefetch: 2, parkingQueue }, (message) => {
          others.push(text(message));
          return Promise.resolve(DONE);
        });
        const copy = await untilRaw(parkingQueue);
        assert.equal(failing.times, 3);
        assert.equal(unread, 1);
        assert.equal(copy.body.toString(), POISON);
        const { headers = {} } = decodeProperties(Buffer.from(copy.propertyBytes));
        assert.match(headers["x-parked-reason"], /ended the connection .* 3 times: a bug/);
        assert.equal(headers["a"], 2 ** 31);
        // RabbitMQ 3.10 says it of each message that comes from a quorum queue.
        assert.equal(headers["x-delivery-count"], isByHand() ? 0 : undefined);
      }
      await until("the others", () => seen.has("after"));
      assert.deepEqual([...seen], ["before", "after"]);
      await until("to publish", async () => {
        await broker.publish(other, bytes("on")).catch(() => {});
        return others.length > 0;
      });
      assert.equal(await broker.depth(queue), 0);
    });
  }
}
