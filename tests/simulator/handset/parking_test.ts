import assert from "node:assert/strict";
import { MemoryBroker } from "../../../src/broker/memory/memory_broker.ts";
import type { ParkedRow } from "../../../src/simulator/handset/events.ts";
import { Parking } from "../../../src/simulator/handset/parking.ts";
import { queuesOf } from "../../../src/vumi/mod.ts";
import { until } from "../../support/until.ts";

const QUEUES = queuesOf("c");

/** A broker with messages that were parked, as a bridge would, and what is told of them. */
class Lot {
  readonly broker = MemoryBroker.open();
  readonly parked: ParkedRow[] = [];
  readonly replayed: string[] = [];
  readonly parking = new Parking({
    queues: QUEUES,
    broker: this.broker,
    onParked: (message) => void this.parked.push(message),
    onReplayed: ({ key }, queue) => void this.replayed.push(`${key} to ${queue}`),
  });

  constructor() {
    for (const queue of Object.values(QUEUES)) this.broker.declare(queue);
  }

  /** Parks a payload, of a queue whose parking queue it is. */
  async park(payload: unknown, from = QUEUES.inbound, reason = "Turn answered 400"): Promise<void> {
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    await this.broker.publish(from, new TextEncoder().encode(text));
    const parkingQueue = `${from}.parked`;
    const { length } = this.broker.waiting(parkingQueue);
    const consumer = this.broker.consume(from, { prefetch: 1, parkingQueue }, () => {
      return Promise.resolve({ kind: "park", reason });
    });
    await until("it to be parked", () => this.broker.waiting(parkingQueue).length > length);
    await consumer.cancel();
  }

  bodies(queue: string): string[] {
    return this.broker.waiting(queue).map(({ body }) => new TextDecoder().decode(body));
  }
}

Deno.test("Parking tells what is parked, of whom and why", async () => {
  const lot = new Lot();
  await lot.park({ message_id: "m1", from_addr: "+1" });
  await lot.park({ event_id: "e1", user_message_id: "m0" }, QUEUES.event, "Turn answered 500");
  await lot.park("not JSON", QUEUES.inbound, "cannot be read");
  const { total, messages } = await lot.parking.look();
  assert.equal(total, 3);
  assert.deepEqual(messages.map(({ queue, title, reason }) => [queue, title, reason]), [
    ["c.inbound.parked", "+1", "Turn answered 400"],
    ["c.inbound.parked", "unreadable", "cannot be read"],
    ["c.event.parked", "about m0", "Turn answered 500"],
  ]);
  assert.equal(new Set(messages.map(({ key }) => key)).size, 3);
});

Deno.test("Parking tells what was held for a user and is parked, and puts it back where it was held", async () => {
  const lot = new Lot();
  const held = { form: 1, id: "t1", inbound: { from_addr: "+1" } };
  await lot.park(held, QUEUES.held, "bug: TypeError");
  const { messages } = await lot.parking.look();
  assert.deepEqual(messages.map(({ key, queue, title }) => [key, queue, title]), [
    ["t1", "c.held.parked", "to +1"],
  ]);
  await lot.parking.replay("t1");
  assert.deepEqual(lot.bodies(QUEUES.held), [JSON.stringify(held)]);
  assert.deepEqual(lot.replayed, ["t1 to c.held"]);
});

Deno.test("Parking tells once of each that is parked", async () => {
  const lot = new Lot();
  await lot.park({ message_id: "m1", from_addr: "+1" });
  await lot.parking.look();
  await lot.parking.look();
  assert.deepEqual(lot.parked.map(({ key }) => key), ["m1"]);
});

Deno.test("Parking looks into a queue only if there is more or less in it, or it was changed", async () => {
  const lot = new Lot();
  let sifts = 0;
  const { broker } = lot;
  const parking = new Parking({
    queues: QUEUES,
    broker: {
      depth: (queue) => broker.depth(queue),
      browse: (queue, decide) => {
        sifts++;
        return broker.browse(queue, decide);
      },
    },
    onParked: () => {},
    onReplayed: () => {},
  });
  await lot.park({ message_id: "m1", from_addr: "+1" });
  for (let looks = 0; looks < 5; looks++) await parking.look();
  assert.equal(sifts, 1);
  await lot.park({ message_id: "m2", from_addr: "+1" });
  assert.equal((await parking.look()).messages.length, 2);
  assert.equal(sifts, 2);
  await parking.replay("m1");
  await lot.park({ message_id: "m3", from_addr: "+1" });
  const { messages } = await parking.look();
  assert.ok(
    messages.some(({ key }) => key === "m3") && messages.length === (await parking.look()).total,
  );
});

Deno.test("Parking.replay() puts one back where it comes from, and leaves the others in order", async () => {
  const lot = new Lot();
  for (const message_id of ["m1", "m2", "m3"]) await lot.park({ message_id, from_addr: "+1" });
  await lot.parking.replay("m2");
  assert.deepEqual(lot.bodies(QUEUES.inbound), ['{"message_id":"m2","from_addr":"+1"}']);
  assert.deepEqual(lot.bodies(QUEUES.inboundParked).map((body) => JSON.parse(body).message_id), [
    "m1",
    "m3",
  ]);
  const [message] = lot.broker.waiting(QUEUES.inbound);
  assert.deepEqual(message?.headers, {}, "what tells of the failure stays on it");
  assert.deepEqual(lot.replayed, ["m2 to c.inbound"]);
});

Deno.test("Parking.replay() puts all back, and tells again of one that is parked again", async () => {
  const lot = new Lot();
  await lot.park({ message_id: "m1", from_addr: "+1" });
  await lot.park({ event_id: "e1", user_message_id: "m0" }, QUEUES.event);
  await lot.parking.look();
  await lot.parking.replay("all");
  assert.equal((await lot.parking.look()).total, 0);
  assert.equal(lot.bodies(QUEUES.inbound).length, 1);
  assert.equal(lot.bodies(QUEUES.event).length, 1);
  await lot.park({ message_id: "m4", from_addr: "+1" });
  assert.deepEqual(lot.bodies(QUEUES.inbound), [], "the first one is parked again too");
  await lot.parking.look();
  assert.deepEqual(lot.parked.map(({ key }) => key), ["m1", "e1", "m1", "m4"]);
});

Deno.test("Parking.replay() does nothing for what is not there", async () => {
  const lot = new Lot();
  await lot.park({ message_id: "m1", from_addr: "+1" });
  await lot.parking.replay("m9");
  assert.equal(lot.bodies(QUEUES.inboundParked).length, 1);
  assert.deepEqual(lot.replayed, []);
});

Deno.test("Parking counts what is parked when it is too much to be looked at", async () => {
  const lot = new Lot();
  const body = new TextEncoder().encode('{"message_id":"m"}');
  for (let n = 0; n < 2_001; n++) await lot.broker.publish(QUEUES.inboundParked, body);
  const { total, messages } = await lot.parking.look();
  assert.deepEqual([total, messages], [2_001, []]);
});
