/**
 * A queue that can't be used as it must be is told of, and leaves all others alone.
 *
 * @module
 */

import assert from "node:assert/strict";
import { connect } from "amqplib";
import { TestBridge } from "../support/bridge.ts";
import { amqpUrl } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";

/** Takes a queue's place with one that nobody else may use, until it is disposed. */
async function occupy(queue: string): Promise<AsyncDisposable> {
  const connection = await connect(amqpUrl());
  const channel = await connection.createChannel();
  await channel.deleteQueue(queue);
  await channel.assertQueue(queue, {
    exclusive: true,
    durable: true,
    arguments: { "x-queue-type": "classic" },
  });
  return { [Symbol.asyncDispose]: () => connection.close() };
}

interface Told {
  readonly status: number;
  readonly health: string;
  readonly amqp: { readonly health: string; readonly faults?: Readonly<Record<string, string>> };
}

async function told(bridge: TestBridge): Promise<Told> {
  const { status, body: { health, components: { amqp } } } = await bridge.request("/health");
  return { status, health, amqp };
}

Deno.test("a parking queue that can't be declared degrades its channel, which says why", async () => {
  await using bridge = await TestBridge.start();
  const queue = `${bridge.connector}.inbound.parked`;
  const { amqp: before } = await told(bridge);
  assert.deepEqual([before.health, before.faults], ["ok", undefined]);
  {
    await using _occupied = await occupy(queue);
    await bridge.transport.publish("inbound", "not a message");
    await until("the fault", async () => (await told(bridge)).amqp.health === "degraded");
    const { status, health, amqp } = await told(bridge);
    assert.deepEqual([status, health, Object.keys(amqp.faults ?? {})], [200, "ok", [queue]]);
    assert.match(
      amqp.faults?.[queue] ?? "",
      /^messages from users that are to be parked wait: .*RESOURCE_LOCKED/,
    );
    assert.equal((await bridge.request("/readyz")).status, 200);
    await bridge.counted('turn_channels_queue_faults{queue="inbound_parked"} 1');
    await bridge.counted('turn_channels_queue_faults{queue="inbound"} 0');
    await bridge.transport.sendInbound({ message_id: "other" });
    await bridge.turn.received(1);
  }
  await until("its end", async () => (await told(bridge)).amqp.health === "ok");
  await bridge.counted('turn_channels_queue_faults{queue="inbound_parked"} 0');
  await until("the copy", async () => await bridge.transport.depth("inbound.parked") === 1);
});

Deno.test("a queue that can't be consumed leaves the program ready, and is told of", async () => {
  await using bridge = await TestBridge.start();
  const queue = `${bridge.connector}.event`;
  {
    await using _occupied = await occupy(queue);
    await until("the fault", async () => (await told(bridge)).amqp.faults?.[queue] !== undefined);
    const { status, health, amqp } = await told(bridge);
    assert.deepEqual([status, health, amqp.health], [200, "ok", "degraded"]);
    assert.match(amqp.faults?.[queue] ?? "", /^events wait, and with them the statuses.*consumed/);
    assert.equal((await bridge.request("/readyz")).status, 200);
    await bridge.counted('turn_channels_queue_faults{queue="event"} 1');
    await bridge.counted('turn_channels_broker_connected{direction="consume"} 1');
    await bridge.transport.sendInbound({ message_id: "other" });
    await bridge.turn.received(1);
    const turn = { type: "text", text: { body: "Hi" } };
    assert.equal((await bridge.send({ to: "+26612345678", turn })).status, 200);
  }
  await until("its end", async () => (await told(bridge)).amqp.health === "ok");
  await bridge.transport.consumed("event");
});
