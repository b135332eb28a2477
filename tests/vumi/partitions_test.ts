import assert from "node:assert/strict";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import { findPartitions, replayPartitions } from "../../src/vumi/mod.ts";

/** A broker with these partitions of the connector `c`, and in each so many messages. */
async function brokerWith(partitions: Readonly<Record<string, number>>): Promise<MemoryBroker> {
  const broker = MemoryBroker.open();
  for (const [name, count] of Object.entries(partitions)) {
    broker.declare(name);
    for (let nth = 1; nth <= count; nth++) {
      await broker.publish(name, new TextEncoder().encode(`${name} ${nth}`), { nth });
    }
  }
  return broker;
}

Deno.test("findPartitions() finds what waits, also after a gap, and stops where there are no more", async () => {
  const broker = await brokerWith({
    "c.inbound.p0": 0,
    "c.inbound.p1": 1,
    "c.inbound.p5": 2,
    "c.inbound.p60": 1,
    "c.event.p0": 3,
    "d.inbound.p0": 1,
  });
  assert.deepEqual(await findPartitions("c", broker), [
    { name: "c.inbound.p1", of: "c.inbound", waiting: 1 },
    { name: "c.inbound.p5", of: "c.inbound", waiting: 2 },
    { name: "c.event.p0", of: "c.event", waiting: 3 },
  ]);
});

Deno.test("replayPartitions() puts all back, in order and with its headers", async () => {
  const broker = await brokerWith({ "c.inbound.p0": 2, "c.inbound.p1": 1, "c.event.p0": 1 });
  assert.equal(await replayPartitions("c", broker), 4);
  const read = (queue: string) =>
    broker.waiting(queue).map(({ body, headers }) => [new TextDecoder().decode(body), headers.nth]);
  assert.deepEqual(read("c.inbound"), [
    ["c.inbound.p0 1", 1],
    ["c.inbound.p0 2", 2],
    ["c.inbound.p1 1", 1],
  ]);
  assert.deepEqual(read("c.event"), [["c.event.p0 1", 1]]);
  assert.deepEqual(await findPartitions("c", broker), []);
  assert.equal(await replayPartitions("c", broker), 0);
});
