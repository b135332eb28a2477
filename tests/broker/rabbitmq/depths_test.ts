import assert from "node:assert/strict";
import { PublishError } from "../../../src/broker/mod.ts";
import { until } from "../../support/until.ts";
import { proxiedBench } from "./support.ts";
import { bytes } from "../bench.ts";

Deno.test("AmqpBroker.depth() answers many at once, each of its own queue, there or not", async () => {
  await using made = await proxiedBench();
  const { broker, queue, parkingQueue } = made;
  await broker.publish(queue, bytes("a"));
  const asked = [queue, `${queue}.none`, parkingQueue, `${queue}.nor`, queue, `${queue}.none`];
  const depths = await Promise.all(asked.map((name) => broker.depth(name)));
  assert.deepEqual(depths, [1, undefined, 0, undefined, 1, undefined]);
});

Deno.test("AmqpBroker.depth() answers or rejects while connections are cut, and answers again", async () => {
  await using made = await proxiedBench();
  const { broker, queue, proxy } = made;
  await broker.publish(queue, bytes("a"));
  let rejected = 0;
  for (let cuts = 0; cuts < 30; cuts++) {
    const asked = Array.from(
      { length: 5 },
      (_, index) =>
        broker.depth(index === 2 ? `${queue}.none` : queue).then(
          (count) => assert.equal(count, index === 2 ? undefined : 1),
          (error) => {
            assert.ok(error instanceof PublishError, String(error));
            assert.equal(error.fault, "unavailable");
            rejected++;
          },
        ),
    );
    // In the middle of one or the other.
    await new Promise((resolve) => setTimeout(resolve, cuts / 5));
    proxy.cut();
    await Promise.all(asked);
    await until("a connection", () => broker.status().state === "open");
  }
  assert.ok(rejected > 0);
  // The last cut may not have been noticed yet.
  await until("an answer", async () => await broker.depth(queue).catch(() => undefined) === 1);
});
