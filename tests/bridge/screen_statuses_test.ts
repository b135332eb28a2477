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

/** The flow, that has shown three of Turn's messages on one screen. */
async function start(): Promise<TestStatuses> {
  const test = await TestStatuses.start();
  const value = JSON.stringify([A, B, C]);
  const records = [A, B, C].map((id = ""): KeptRecord => (
    { kind: "screen", id, value, ttlMs: HOUR_MS }
  ));
  for (const id of [A, B, C]) await test.cache.putOutbound(sent(id ?? ""), [], records);
  return test;
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
    await using test = await start();
    const about = { ...event, user_message_id: A, event_id: "e" };
    assert.deepEqual(await test.handle(about), DONE);
    assert.deepEqual(told(test).toSorted(), [`1 ${status}`, `2 ${status}`, `3 ${status}`]);
    assert.deepEqual(await test.handle(about, AGAIN), DONE);
    assert.deepEqual(await test.handle(about), DONE);
    assert.equal(test.told.length, 3);
  });
}

Deno.test("StatusFlow tells of our own event about one message only", async () => {
  await using test = await start();
  const nack_reason = `${OURS}too late`;
  await test.handle({ event_type: "nack", nack_reason, user_message_id: B });
  assert.deepEqual(told(test), ["2 failed"]);
  await test.handle({ ...ACK, user_message_id: A });
  assert.deepEqual(told(test).slice(1).toSorted(), ["1 sent", "3 sent"], "not backwards");
});

Deno.test("StatusFlow tells of the rest when Turn takes them again", async () => {
  await using test = await start();
  test.answer = ({ messageId }) => messageId === C ? RETRY : DELIVERED;
  const about = { ...ACK, user_message_id: A, event_id: "e" };
  const later = await test.handle(about);
  assert.equal(later.kind, "later");
  const first = new Set(told(test));
  assert.ok(first.has("2 sent") && !first.has("1 sent"), "the event's own comes last");
  test.answer = () => DELIVERED;
  test.told.length = 0;
  assert.deepEqual(await test.handle(about, arrival({ headers: headersOf(later) })), DONE);
  assert.deepEqual(told(test), ["3 sent", "1 sent"]);
});

Deno.test("StatusFlow parks an event of which Turn refuses one message", async () => {
  await using test = await start();
  test.answer = ({ messageId }) => messageId === B ? REFUSED : DELIVERED;
  const about = { ...ACK, user_message_id: A, event_id: "e" };
  assert.equal((await test.handle(about)).kind, "park");
});

Deno.test("StatusFlow goes on where it was when the cache fails in the middle", async () => {
  await using test = await start();
  let calls = 0;
  test.answer = () => {
    if (++calls === 2) test.cache.failing.add("putNotes");
    return DELIVERED;
  };
  const handled = test.handle({ ...ACK, user_message_id: A, event_id: "e" });
  await test.base.clock.advance(1_000);
  test.cache.failing.clear();
  await test.base.clock.advance(5_000);
  assert.deepEqual(await handled, DONE);
  // What could not be recorded is told again, the same.
  assert.deepEqual(new Set(told(test)), new Set(["1 sent", "2 sent", "3 sent"]));
  assert.equal(test.told.length, 4);
});

Deno.test("StatusFlow tells nobody of screens of our own", async () => {
  await using test = await start();
  const own = `${A}-own`;
  for (const user_message_id of [own, `${own}-p2`]) {
    assert.deepEqual(await test.handle({ ...ACK, user_message_id }), DONE);
  }
  assert.deepEqual(test.told, []);
});

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
