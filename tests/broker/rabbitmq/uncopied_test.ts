/**
 * A message that RabbitMQ does not take a copy of waits by itself: others are copied, of its queue and of
 * other channels'.
 */
import assert from "node:assert/strict";
import { startRabbitMq } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import { adapterAt } from "./support.ts";
import { bench, bytes, Held } from "../bench.ts";

const PARK = { kind: "park", reason: "bad" } as const;

Deno.test("AmqpBroker parks others beside a message that has become too large for the server", async () => {
  await using server = await startRabbitMq();
  await using made = await bench(adapterAt(() => server.url));
  const { broker, queue, parkingQueue } = made;
  const held = new Held();
  broker.consume(queue, { prefetch: 9, parkingQueue }, held.handler);
  await broker.publish(queue, new Uint8Array(200_000));
  for (const each of ["a", "b", "c"]) await broker.publish(queue, bytes(each));
  await held.count(4);
  // As when RabbitMQ 4 comes after 3.13: 16 MiB instead of 128. New channels have it.
  await server.rabbitmqctl(
    "eval",
    "application:set_env(rabbit, max_message_size, 100000), " +
      "persistent_term:put(max_message_size, 100000).",
  );
  for (let index = 0; index < 4; index++) held.answer(index, PARK);
  await until("the others to be parked", async () => await broker.depth(parkingQueue) === 3);
});

Deno.test("AmqpBroker begins to lead during a memory alarm, and consumes", async () => {
  await using server = await startRabbitMq();
  await using made = await bench(adapterAt(() => server.url));
  const { broker, queue, parkingQueue, extra } = made;
  await broker.publish(queue, bytes("a"));
  await server.rabbitmqctl("set_vm_memory_high_watermark", "0");
  try {
    const held = new Held();
    const lead = { connector: "x", queue: extra("lead"), onLead: () => {} };
    broker.consume(queue, { prefetch: 4, parkingQueue, lead }, held.handler);
    await held.count(1);
    assert.deepEqual(held.texts, ["a"]);
  } finally {
    await server.rabbitmqctl("set_vm_memory_high_watermark", "0.8");
  }
  await until("the end", () => broker.status().state === "open");
});
