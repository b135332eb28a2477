/**
 * Whoever looks into a queue hides its messages from others, so a look ends soon, also if the server
 * takes no messages.
 */
import assert from "node:assert/strict";
import { within } from "../../../src/async/mod.ts";
import { startRabbitMq } from "../../support/rabbitmq.ts";
import { adapterAt } from "./support.ts";
import { bench, bytes } from "../bench.ts";

Deno.test("AmqpBroker.browse() does not wait for the end of a memory alarm with all messages hidden", async () => {
  await using server = await startRabbitMq();
  await using made = await bench(adapterAt(() => server.url));
  const { broker, queue, parkingQueue } = made;
  for (const text of ["a", "b"]) await broker.publish(parkingQueue, bytes(text));
  await server.rabbitmqctl("set_vm_memory_high_watermark", "0");
  try {
    let outcome = "it still waits";
    const looking = broker.browse(parkingQueue, () => ({ moveTo: queue, headers: {} })).then(
      () => outcome = "moved",
      (error) => outcome = `${error.name}: ${error.message}`,
    );
    await within(looking, 15_000);
    const hidden = 2 - (await broker.depth(parkingQueue) ?? 0);
    await server.rabbitmqctl("set_vm_memory_high_watermark", "0.8");
    await looking;
    assert.match(outcome, /^PublishError/, `${hidden} of 2 messages were hidden for 15 s`);
  } finally {
    await server.rabbitmqctl("set_vm_memory_high_watermark", "0.8");
  }
});
