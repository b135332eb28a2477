import assert from "node:assert/strict";
import { OURS } from "../../src/vumi/mod.ts";
import { Owners } from "../../src/bridge/mod.ts";
import { MemoryBroker } from "../../src/broker/memory/memory_broker.ts";
import { CacheError, type KeptRecord, type Remembered } from "../../src/cache/mod.ts";
import { createMessage } from "../../src/vumi/mod.ts";
import { DELIVERED, headersOf, HOUR_MS, REFUSED, RETRY } from "./delivery_support.ts";
import { ACK, NACK, report, TestStatuses } from "./statuses_support.ts";
import { AGAIN, arrival, FlakyCache, memoryConnector } from "./support.ts";
import { postId } from "./turns_support.ts";

const [A, B, C] = [1, 2, 3].map(postId);
const DONE = { kind: "done" };

function sent(message_id: string): Remembered {
  return createMessage({
    message_id,
    to_addr: "+266",
    from_addr: "*120#",
    transport_name: "t",
    transport_type: "ussd",
  });
}

/** What the transport says of the screen. */
const ACKED = { ...ACK, user_message_id: A, event_id: "e" };

/** The flow, that has shown three of Turn's messages on one screen. */
async function start(broker = MemoryBroker.open()): Promise<TestStatuses> {
  const test = await TestStatuses.start({ connector: memoryConnector(broker) });
  const value = JSON.stringify([A, B, C]);
  const records = [A, B, C].map((id = ""): KeptRecord => (
    { kind: "screen", id, value, ttlMs: HOUR_MS }
  ));
  for (const id of [A, B, C]) await test.cache.putOutbound(sent(id ?? ""), [], records);
  return test;
}

/** Handles an event, and those that come of it. Answers what became of each. */
async function handleAll(
  test: TestStatuses,
  broker: MemoryBroker,
  event: Record<string, unknown>,
): Promise<string[]> {
  const before = broker.waiting("c.event").length;
  const ends = [await test.handle(event)];
  for (const { body } of broker.waiting("c.event").slice(before)) {
    ends.push(await test.handle(JSON.parse(new TextDecoder().decode(body))));
  }
  return ends.map(({ kind }) => kind);
}

/** What Turn was told, shortly. */
function told({ told }: TestStatuses): string[] {
  return told.map(({ messageId, status }) => `${Number(messageId)} ${status}`);
}

const EVENTS = [
  { event: ACK, status: "sent" },
  { event: NACK, status: "failed" },
  { event: report("delivered"), status: "delivered" },
  { event: report("failed"), status: "failed" },
];

for (const { event, status } of EVENTS) {
  Deno.test(`StatusFlow tells of all that a screen has shown, once: ${status}`, async () => {
    const broker = MemoryBroker.open();
    await using test = await start(broker);
    const about = { ...event, user_message_id: A, event_id: "e" };
    assert.deepEqual(await handleAll(test, broker, about), ["done", "done", "done"]);
    assert.deepEqual(await handleAll(test, broker, about), ["done"]);
    assert.deepEqual(told(test), [`1 ${status}`, `2 ${status}`, `3 ${status}`]);
    assert.equal(broker.waiting("c.event").length, 2, "what comes of it brings forth nothing");
    assert.deepEqual(await test.handle(about, AGAIN), DONE);
    assert.equal(test.told.length, 3);
  });
}

Deno.test("StatusFlow tells of our own event about one message only", async () => {
  const broker = MemoryBroker.open();
  await using test = await start(broker);
  const nack_reason = `${OURS}too late`;
  await handleAll(test, broker, { event_type: "nack", nack_reason, user_message_id: B });
  assert.deepEqual(told(test), ["2 failed"]);
  await handleAll(test, broker, ACKED);
  assert.deepEqual(told(test).slice(1), ["1 sent", "3 sent"], "not backwards");
});

Deno.test("StatusFlow tells of a page that failed as the failure of all that its screen has shown", async () => {
  const broker = MemoryBroker.open();
  await using test = await start(broker);
  await handleAll(test, broker, { ...report("delivered"), user_message_id: A, event_id: "d" });
  await handleAll(test, broker, { ...NACK, user_message_id: `${A}-p2`, event_id: "p" });
  assert.deepEqual(told(test).slice(3), ["1 failed", "2 failed", "3 failed"]);
});

Deno.test("StatusFlow: what becomes of a notice says nothing of what a screen has shown", async () => {
  const broker = MemoryBroker.open();
  await using test = await start(broker);
  for (const [nth, event] of [ACK, report("delivered"), NACK].entries()) {
    await test.handle({ ...event, user_message_id: `${A}-n1`, event_id: `n${nth}` });
  }
  assert.deepEqual(broker.waiting("c.event"), []);
});

Deno.test("StatusFlow tells of the rest once when Turn takes them again", async () => {
  const broker = MemoryBroker.open();
  await using test = await start(broker);
  test.answer = () => RETRY;
  const later = await test.handle(ACKED);
  assert.equal(later.kind, "later");
  test.answer = () => DELIVERED;
  assert.deepEqual(await test.handle(ACKED, arrival({ headers: headersOf(later) })), DONE);
  assert.equal(broker.waiting("c.event").length, 2);
});

for (const [nth, id] of [A, B, C].entries()) {
  Deno.test(`StatusFlow tells of the others when Turn refuses message ${nth + 1}`, async () => {
    const broker = MemoryBroker.open();
    await using test = await start(broker);
    test.answer = ({ messageId }) => messageId === id ? REFUSED : DELIVERED;
    const ends = await handleAll(test, broker, ACKED);
    assert.deepEqual(ends, ["done", "done", "done"].with(nth, "park"));
    assert.deepEqual(told(test), ["1 sent", "2 sent", "3 sent"]);
  });
}

Deno.test("StatusFlow tells of all, also where a cache in memory has ended since they came", async () => {
  const broker = MemoryBroker.open();
  await using test = await TestStatuses.start({ connector: memoryConnector(broker) });
  const value = JSON.stringify([A, B]);
  const records = [A, B].map((id = ""): KeptRecord => (
    { kind: "screen", id, value, ttlMs: HOUR_MS }
  ));
  await test.cache.putOutbound(sent(A ?? ""), [], records);
  assert.deepEqual(await handleAll(test, broker, ACKED), ["done", "done"]);
  assert.deepEqual(told(test), ["1 sent", "2 sent"]);
});

Deno.test("StatusFlow counts the transport's one event of a screen as one", async () => {
  const broker = MemoryBroker.open();
  await using test = await start(broker);
  await handleAll(test, broker, ACKED);
  assert.match(await test.base.registry.text(), /transport_messages_total{[^}]*"acked"[^}]*} 1$/m);
});

Deno.test("StatusFlow counts no event of our own as a transport's", async () => {
  const broker = MemoryBroker.open();
  await using test = await start(broker);
  broker.declare("c.event");
  const connector = memoryConnector(broker);
  await connector.reportSent(A ?? "");
  await connector.reportFailed(B ?? "", "too late");
  for (const { body } of broker.waiting("c.event")) {
    await test.handle(JSON.parse(new TextDecoder().decode(body)));
  }
  assert.deepEqual(told(test), ["1 sent", "2 failed"]);
  assert.equal(broker.waiting("c.event").length, 2, "each is about the one message");
  assert.doesNotMatch(
    await test.base.registry.text(),
    /transport_messages_total{[^}]*"acked"[^}]*} 1$/m,
  );
  assert.doesNotMatch(
    await test.base.registry.text(),
    /transport_messages_total{[^}]*"nacked"[^}]*} 1$/m,
  );
});

Deno.test("StatusFlow tells nobody of screens of our own", async () => {
  await using test = await start();
  const own = `${A}-own`;
  for (const user_message_id of [own, `${own}-p2`]) {
    assert.deepEqual(await test.handle({ ...ACK, user_message_id }), DONE);
  }
  assert.deepEqual(test.told, []);
});

for (const said of [ACK, report("pending"), report("delivered")]) {
  const name = `StatusFlow calls a message sent after an event about its notice: ` +
    ("delivery_status" in said ? said["delivery_status"] : said.event_type);
  Deno.test(name, async () => {
    await using test = await start();
    await test.handle({ ...said, user_message_id: `${A}-n1` });
    await test.handle({ ...report("delivered"), user_message_id: `${A}-n1` });
    assert.deepEqual(told(test), ["1 sent"]);
  });
}

for (const said of [NACK, report("failed")]) {
  Deno.test(`StatusFlow leaves to the screen what a notice's ${said.event_type} says`, async () => {
    await using test = await start();
    assert.deepEqual(await test.handle({ ...said, user_message_id: `${A}-n1` }), DONE);
    assert.deepEqual(told(test), []);
    await test.handle({ ...ACKED, event_id: "screen" });
    await test.handle({ ...report("delivered"), user_message_id: A });
    assert.deepEqual(told(test), ["1 sent", "1 delivered"]);
  });
}

const OWNED = [
  { owner: "other", id: A, about: A, forwarded: true },
  { owner: "other", id: `${A}-n1`, about: `${A}-n1`, forwarded: true },
  { owner: "c", id: A, about: A, forwarded: false },
  { owner: "other", id: B, about: A, forwarded: false },
];

for (const { owner, id = "", about, forwarded } of OWNED) {
  const name = `StatusFlow ${forwarded ? "hands on" : "leaves"} an event about ${about}, ` +
    `as ${owner} has sent ${id}`;
  Deno.test(name, async () => {
    await using cache = new FlakyCache();
    const broker = MemoryBroker.open();
    const owners = new Owners(cache);
    await owners.put(id, owner);
    await using test = await TestStatuses.start({ owners, connector: memoryConnector(broker) });
    assert.deepEqual(await test.handle({ ...ACK, user_message_id: about }), DONE);
    const handedOn = broker.waiting("other.event").map(({ body }) => {
      return JSON.parse(new TextDecoder().decode(body)).user_message_id;
    });
    assert.deepEqual([handedOn, test.told], [forwarded ? [about] : [], []]);
    await broker[Symbol.asyncDispose]();
  });
}

Deno.test("StatusFlow waits while it can't be known whose message it is", async () => {
  const cache = new FlakyCache();
  cache.failing.add("getNote");
  await assert.rejects(new Owners(cache).of("x"), CacheError);
  const broker = MemoryBroker.open();
  const options = { owners: new Owners(cache), connector: memoryConnector(broker) };
  await using test = await TestStatuses.start(options);
  const handled = test.handle({ ...ACK, user_message_id: A });
  await test.base.clock.advance(1_000);
  cache.failing.clear();
  await new Owners(cache).put(A ?? "", "other");
  await test.base.clock.advance(5_000);
  assert.deepEqual(await handled, DONE);
  assert.equal(broker.waiting("other.event").length, 1);
  await broker[Symbol.asyncDispose]();
  await cache[Symbol.asyncDispose]();
});
