import assert from "node:assert/strict";
import {
  delayedListId,
  delayedNoteId,
  readDelayed,
  readDelayedList,
  readToldRecord,
} from "../../src/bridge/delivery_records.ts";
import { MetricsRegistry } from "../../src/telemetry/mod.ts";
import type { CallResult } from "../../src/turn/mod.ts";
import type { Disposition } from "../../src/vumi/mod.ts";
import { DELIVERED, headersOf, HOUR_MS, REFUSED, RETRY } from "./delivery_support.ts";
import { AGAIN, arrival, NEVER, settle } from "./support.ts";
import { ACK, NACK, report, smppReport, TestStatuses } from "./statuses_support.ts";

const DONE: Disposition = { kind: "done" };

Deno.test("StatusFlow tells Turn of an event of a message that it sent", async () => {
  await using test = await TestStatuses.start();
  assert.deepEqual(await test.handle({ ...ACK, event_id: "e1" }), DONE);
  assert.deepEqual(test.told, [
    { messageId: "m", recipient: "+266", status: "sent", timestamp: 1434373200 },
  ]);
  await settle();
  assert.deepEqual(await test.cache.counts(), ["status delivered: 1", "status in: 1"]);
  assert.deepEqual(readToldRecord(await test.cache.getNote("told", "m")), {
    progress: 1,
    events: [{ id: "e1", event: "ack", status: "sent", at: test.base.now, attempts: 1 }],
  });
});

Deno.test("StatusFlow finds the message by sent_message_id, and keeps its order by that too", async () => {
  await using test = await TestStatuses.start();
  await test.handle({ ...report("delivered"), user_message_id: "theirs", sent_message_id: "m" });
  assert.equal(test.told[0]?.messageId, "m");
  // The same message under our own id: delivered it is.
  await test.handle(ACK);
  assert.deepEqual(test.words, ["delivered"]);
});

Deno.test("StatusFlow skips an event of a message that is not remembered", async () => {
  await using test = await TestStatuses.start();
  assert.deepEqual(await test.handle({ ...ACK, user_message_id: "another" }), DONE);
  assert.deepEqual(test.told, []);
  await settle();
  assert.deepEqual(await test.cache.counts(), ["status in: 1", "status skipped_not_ours: 1"]);
});

Deno.test("StatusFlow counts an event as come once, though the cache fails when it comes", async () => {
  await using test = await TestStatuses.start();
  test.cache.failing.add("getOutbound");
  const disposition = test.handle({ ...ACK, event_id: "e1" });
  await test.base.clock.advance(4_000);
  test.cache.failing.clear();
  test.cache.failing.add("getNote");
  await test.base.clock.advance(4_000);
  test.cache.failing.clear();
  await test.base.clock.advance(2_000);
  assert.deepEqual(await disposition, DONE);
  await settle();
  assert.deepEqual(await test.cache.counts(), ["status delivered: 1", "status in: 1"]);
});

Deno.test("StatusFlow notes a delayed event by the message that it is about, and by its user", async () => {
  await using test = await TestStatuses.start();
  test.answer = () => RETRY;
  let lookUps = 0;
  const { getOutbound } = test.cache;
  test.cache.getOutbound = (...args) => {
    lookUps++;
    return getOutbound.apply(test.cache, args);
  };
  const first = await test.handle({ ...ACK, event_id: "e1" });
  assert.equal(lookUps, 1);
  // The next one only waits behind it, so nobody has looked yet whose it is.
  await test.handle({ ...report("delivered"), event_id: "e2" });
  const note = async (id: string) =>
    readDelayed(await test.cache.getNote("delayed", delayedNoteId("status", id)));
  const listed = async (id: string) =>
    readDelayedList(await test.cache.getNote("delayed_list", id)).map((entry) => entry.id);
  for (const id of ["e1", "e2"]) {
    const { flow, user, about } = await note(id) ?? assert.fail(id);
    assert.deepEqual([flow, user, about], ["status", "+266", "m"]);
  }
  assert.deepEqual(await listed(delayedListId({ user: "+266" })), ["e1", "e2"]);
  assert.deepEqual(await listed(delayedListId({ about: "m" })), ["e1", "e2"]);
  test.answer = () => DELIVERED;
  await test.handle({ ...ACK, event_id: "e1" }, arrival({ headers: headersOf(first) }));
  await settle();
  assert.equal(await note("e1"), undefined);
  assert.deepEqual(await listed(delayedListId({ about: "m" })), ["e2"]);
});

const ORDERS: readonly [string, Record<string, unknown>[], string[]][] = [
  ["sent, then delivered", [ACK, report("delivered")], ["sent", "delivered"]],
  ["delivered, then a late pending", [report("delivered"), report("pending")], ["delivered"]],
  ["delivered, then a late ack", [report("delivered"), ACK], ["delivered"]],
  ["delivered, then failed", [report("delivered"), report("failed")], ["delivered"]],
  ["failed, then a late ack", [report("failed"), ACK], ["failed"]],
  ["failed, then delivered after all", [NACK, report("delivered")], ["failed", "delivered"]],
  [
    "ACCEPTED, which the transport calls delivered, then DELIVRD",
    [smppReport("ACCEPTED", "delivered"), smppReport("DELIVRD", "delivered")],
    ["sent", "delivered"],
  ],
  [
    "DELIVRD, then a late ENROUTE",
    [smppReport("DELIVRD", "delivered"), smppReport("ENROUTE")],
    ["delivered"],
  ],
  ["UNDELIV, then a late ACCEPTED", [
    smppReport("UNDELIV"),
    smppReport("ACCEPTED", "delivered"),
  ], ["failed"]],
  ["UNKNOWN, then EXPIRED", [smppReport("UNKNOWN"), smppReport("EXPIRED", "failed")], ["failed"]],
  ["DELIVRD, then UNKNOWN", [smppReport("DELIVRD", "delivered"), smppReport("UNKNOWN")], [
    "delivered",
  ]],
];

for (const [label, events, words] of ORDERS) {
  Deno.test(`StatusFlow never goes backwards: ${label}`, async () => {
    await using test = await TestStatuses.start();
    for (const fields of events) assert.deepEqual(await test.handle(fields), DONE);
    assert.deepEqual(test.words, words);
  });
}

Deno.test("StatusFlow knows what Turn was told for two days, across a restart", async () => {
  await using test = await TestStatuses.start();
  await test.handle(report("delivered"));
  test.base.now += 48 * HOUR_MS - 1;
  assert.ok(await test.cache.getNote("told", "m") !== undefined);
  test.base.now += 1;
  assert.equal(await test.cache.getNote("told", "m"), undefined);
});

Deno.test("StatusFlow does not note what Turn was not told", async () => {
  await using test = await TestStatuses.start();
  test.answer = () => REFUSED;
  assert.equal((await test.handle(report("delivered"))).kind, "park");
  test.answer = () => DELIVERED;
  await test.handle(ACK);
  assert.deepEqual(test.words, ["delivered", "sent"]);
});

/** Lets the events of one message come while the first of them is under way. */
async function crowd(test: TestStatuses, events: Record<string, unknown>[]): Promise<void> {
  const { promise: answered, resolve: answer } = Promise.withResolvers<CallResult>();
  test.answer = () => answered;
  const handled = [];
  for (const fields of events) {
    handled.push(test.handle(fields));
    await settle();
  }
  answer(DELIVERED);
  assert.deepEqual(await Promise.all(handled), events.map(() => DONE));
}

Deno.test("StatusFlow leaves out what a further event that waits makes useless", async () => {
  await using test = await TestStatuses.start();
  await crowd(test, [ACK, report("pending"), report("pending"), report("delivered")]);
  assert.deepEqual(test.words, ["sent", "delivered"]);
  await settle();
  const counts = await test.cache.counts();
  assert.ok(counts.includes("status skipped_superseded: 2"), counts.join());
});

Deno.test("StatusFlow leaves out nothing for what is no further, or another message's", async () => {
  await using test = await TestStatuses.start();
  await crowd(test, [ACK, report("pending"), report("pending")]);
  assert.deepEqual(test.words, ["sent", "sent", "sent"]);
});

Deno.test("StatusFlow leaves out nothing when compact_statuses is off", async () => {
  await using test = await TestStatuses.start({ compactStatuses: false });
  await crowd(test, [ACK, report("pending"), report("delivered")]);
  assert.deepEqual(test.words, ["sent", "sent", "delivered"]);
});

Deno.test("StatusFlow does not use up Turn's rate limit for what it leaves out", async () => {
  await using test = await TestStatuses.start();
  const { base: { gate, now } } = test;
  const pass = await gate.enter("statuses", "x");
  assert.ok(pass !== undefined);
  const rateLimit = { bucket: undefined, limit: 30, remaining: 29, resetAt: now + 60_000 };
  gate.leave(pass, { ...DELIVERED, rateLimit });
  const pending = Array.from({ length: 40 }, () => report("pending"));
  await crowd(test, [ACK, ...pending, report("delivered")]);
  assert.deepEqual(test.words, ["sent", "delivered"]);
});

Deno.test("StatusFlow tells an event once, though it comes again", async () => {
  await using test = await TestStatuses.start();
  const fields = { ...ACK, event_id: "e1" };
  await test.handle(fields);
  assert.deepEqual(await test.handle(fields, AGAIN), DONE);
  // And when a transport has put it on the queue twice.
  assert.deepEqual(await test.handle(fields), DONE);
  assert.deepEqual(test.words, ["sent"]);
  await settle();
  assert.deepEqual(await test.cache.counts(), [
    "status delivered: 1",
    "status duplicate: 1",
    "status in: 2",
    "status skipped_duplicate: 1",
  ]);
});

Deno.test("StatusFlow knows events again whatever their ids are, the last eight of a message", async () => {
  await using test = await TestStatuses.start();
  const ids = ["x".repeat(5_000), "\u0000 \ud800", ..."1234567"];
  for (const event_id of ids) await test.handle({ ...report("pending"), event_id });
  assert.equal(test.told.length, 9);
  for (const event_id of ids.slice(1)) {
    assert.deepEqual(await test.handle({ ...report("pending"), event_id }, AGAIN), DONE);
  }
  assert.equal(test.told.length, 9);
});

Deno.test("StatusFlow holds an event back when the cache can't find its message", async () => {
  await using test = await TestStatuses.start();
  test.cache.failing.add("getOutbound");
  const disposition = test.handle(ACK, arrival({ lost: NEVER }));
  await settle();
  test.base.stopping.abort();
  assert.deepEqual(await disposition, { kind: "requeue" });
  assert.deepEqual(test.told, []);
});

Deno.test("StatusFlow counts what is heard by transport, and of each message once that it was", async () => {
  const registry = new MetricsRegistry();
  const metrics = registry.channel("c");
  await using test = await TestStatuses.start({ metrics });
  const heard = async (result: string): Promise<string | undefined> => {
    const line = new RegExp(`{transport="t",result="${result}",connector="c"} (\\d+)`);
    return line.exec(await registry.text())?.[1];
  };
  // Two were sent, and all events are about one of them.
  const now = Date.now();
  metrics.transports.sent("t", now);
  metrics.transports.sent("t", now);
  // The acks are left out, as a report waits behind them.
  const answered = Promise.withResolvers<CallResult>();
  test.answer = () => answered.promise;
  const events = [ACK, { ...ACK, event_id: "left out" }, report("delivered")].map((fields) =>
    test.handle(fields)
  );
  answered.resolve(DELIVERED);
  await Promise.all(events);
  await test.handle({ ...report("delivered"), event_id: "told too" });
  assert.equal(test.told.length, 2);
  await test.handle({ ...report("failed"), event_id: "late" });
  await test.handle({ ...report("failed"), event_id: "late" }, AGAIN);
  await test.handle(report("pending"));
  assert.deepEqual([await heard("acked"), await heard("delivered")], ["2", "2"]);
  assert.deepEqual([await heard("failed"), await heard("nacked")], ["1", "0"]);
  metrics.transports.sweep(now + 2 * HOUR_MS);
  assert.equal(await heard("silent"), "1");
});

Deno.test("StatusFlow tells Turn nothing of an UNKNOWN, and counts it", async () => {
  const registry = new MetricsRegistry();
  await using test = await TestStatuses.start({ metrics: registry.channel("c") });
  assert.deepEqual(await test.handle(smppReport("UNKNOWN", "delivered")), DONE);
  assert.deepEqual(test.told, []);
  assert.match(await registry.text(), /{transport="t",result="unknown",connector="c"} 1$/m);
  await settle();
  assert.deepEqual(await test.cache.counts(), ["status in: 1", "status skipped_unknown: 1"]);
});

Deno.test("StatusFlow counts and notes an UNDELIV as what it is", async () => {
  const registry = new MetricsRegistry();
  await using test = await TestStatuses.start({ metrics: registry.channel("c") });
  await test.handle({ ...smppReport("UNDELIV"), event_id: "e1" });
  assert.match(await registry.text(), /{transport="t",result="failed",connector="c"} 1$/m);
  const [{ event, word } = assert.fail()] =
    readToldRecord(await test.cache.getNote("told", "m")).events;
  assert.deepEqual([event, word], ["failed", "UNDELIV"]);
});

Deno.test("StatusFlow leaves out nothing for an UNKNOWN, and an ENROUTE for a DELIVRD", async () => {
  await using test = await TestStatuses.start();
  await crowd(test, [
    ...[ACK, smppReport("UNKNOWN"), smppReport("ENROUTE"), smppReport("DELIVRD", "delivered")],
  ]);
  assert.deepEqual(test.words, ["sent", "delivered"]);
});

Deno.test("StatusFlow counts that a message was heard of, though Turn is not called in time", async () => {
  const registry = new MetricsRegistry();
  const metrics = registry.channel("c");
  await using test = await TestStatuses.start({ metrics });
  const now = Date.now();
  metrics.transports.sent("t", now);
  test.base.gate.stop();
  await test.handle(ACK);
  assert.deepEqual(test.told, []);
  metrics.transports.sweep(now + 2 * HOUR_MS);
  assert.match(await registry.text(), /{transport="t",result="silent",connector="c"} 0$/m);
});
