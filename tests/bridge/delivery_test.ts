import assert from "node:assert/strict";
import { NO_PAST, readPast } from "../../src/bridge/retry_headers.ts";
import type { Disposition } from "../../src/vumi/mod.ts";
import { soon } from "./clock.ts";
import {
  DELIVERED,
  DOUBTFUL,
  type End,
  headersOf,
  LIMITED,
  REFUSED,
  RETRY,
  TestDelivery,
  UNREACHABLE,
} from "./delivery_support.ts";
import { settle } from "./support.ts";

const DONE: Disposition = { kind: "done" };
const REQUEUE: Disposition = { kind: "requeue" };

Deno.test("Delivery is done when Turn took it, and notes and counts that", async () => {
  await using test = new TestDelivery([DELIVERED]);
  const note = { kind: "told", id: "m", value: "3", ttlMs: 1000 } as const;
  assert.deepEqual(await test.deliver("m1", {}, { notes: [note] }), DONE);
  assert.equal(await test.counted("delivered"), 1);
  assert.equal(await test.cache.getNote("told", "m"), "3");
  assert.deepEqual(await test.cache.counts(), ["inbound delivered: 1"]);
});

Deno.test("Delivery is done when there is nothing to tell, before or at its turn", async () => {
  await using test = new TestDelivery([DELIVERED]);
  const prepare = () => Promise.resolve("hung_up");
  assert.deepEqual(await test.deliver("m1", {}, { prepare }), DONE);
  const second = test.deliver("m2", {}, { rank: 1 });
  assert.deepEqual(await test.deliver("m3", {}, { rank: 2 }), DONE);
  assert.deepEqual(await second, DONE);
  assert.deepEqual(test.calls, ["m3"]);
  assert.equal(await test.counted("skipped"), 2);
  await settle();
  assert.deepEqual(await test.cache.counts(), [
    "inbound delivered: 1",
    "inbound skipped_hung_up: 1",
    "inbound skipped_superseded: 1",
  ]);
});

Deno.test("Delivery tries maxRetries times more, then sends it to the first delay queue", async () => {
  await using test = new TestDelivery([RETRY, RETRY, RETRY]);
  const disposition = await test.deliver("m1");
  assert.ok(disposition.kind === "later");
  assert.equal(disposition.delayMs, 5_000);
  assert.deepEqual(readPast(disposition.headers), {
    ...NO_PAST,
    attempts: 3,
    waits: 1,
    firstFailureAt: test.now,
    place: { mark: test.now, nth: 1 },
    delayMs: 5_000,
  });
  assert.equal(test.calls.length, 3);
  assert.equal(await test.counted("retried"), 2);
  assert.equal(await test.counted("delayed"), 1);
  assert.deepEqual(await test.cache.counts(), ["inbound delayed: 1"]);
});

Deno.test("Delivery tries once what comes out of a delay queue, and counts on", async () => {
  await using test = new TestDelivery([RETRY, RETRY, RETRY, RETRY, DELIVERED]);
  const first = await test.deliver("m1");
  test.now += 5_000;
  const second = await test.deliver("m1", { headers: headersOf(first) });
  assert.ok(second.kind === "later");
  assert.equal(second.delayMs, 60_000);
  assert.deepEqual(readPast(second.headers), {
    ...NO_PAST,
    attempts: 4,
    waits: 2,
    firstFailureAt: test.now - 5_000,
    delayMs: 60_000,
  });
  assert.deepEqual(await test.deliver("m1", { headers: second.headers }), DONE);
});

Deno.test("Delivery parks when it is not worth trying any more", async () => {
  await using test = new TestDelivery([RETRY, RETRY, RETRY]);
  const disposition = await test.deliver("m1", {}, { retryForMs: 0 });
  assert.ok(disposition.kind === "park");
  assert.equal(disposition.reason, "Turn answered 500, after 3 attempts");
  assert.equal(disposition.status, 500);
  assert.equal(await test.counted("parked"), 1);
  assert.deepEqual(await test.cache.counts(), ["inbound in: 1", "inbound parked: 1"]);
});

Deno.test("Delivery is done when a later attempt succeeds", async () => {
  await using test = new TestDelivery([RETRY, RETRY, DELIVERED]);
  assert.deepEqual(await test.deliver("m1"), DONE);
  assert.equal(test.calls.length, 3);
});

Deno.test("Delivery parks what Turn refuses, at once, with what Turn said", async () => {
  await using test = new TestDelivery([{ ...REFUSED, said: "Bad text" }]);
  const disposition = await test.deliver("m1");
  assert.ok(disposition.kind === "park");
  assert.equal(disposition.reason, "Turn answered 400: Bad text");
  assert.equal(disposition.status, 400);
  assert.equal(test.calls.length, 1);
});

Deno.test("Delivery never counts a 429 against a message", async () => {
  await using test = new TestDelivery(Array(9).fill(LIMITED).concat(DELIVERED));
  const disposition = test.deliver("m1");
  for (let n = 1; n <= 9; n++) {
    await settle();
    assert.equal(test.calls.length, n);
    await test.clock.advance(1_050);
  }
  assert.deepEqual(await disposition, DONE);
  assert.equal(await test.counted("retried"), 0);
});

Deno.test("Delivery parks a message because of a bug, and counts it once", async () => {
  await using test = new TestDelivery([new TypeError("no such thing")]);
  const reason = "bug: TypeError: no such thing";
  assert.deepEqual(await test.deliver("m1"), { kind: "park", reason });
  assert.equal(await test.counted("parked"), 1);
  assert.deepEqual(await test.cache.counts(), ["inbound in: 1", "inbound parked: 1"]);
});

Deno.test("Delivery counts what has ended once, though a bug follows", async () => {
  await using test = new TestDelivery([DELIVERED]);
  test.cache.deleteNote = () => Promise.reject(new TypeError("bug"));
  assert.deepEqual(await test.deliver("m1", { redelivered: true }), DONE);
  assert.deepEqual([await test.counted("delivered"), await test.counted("parked")], [1, 0]);
  assert.deepEqual(await test.cache.counts(), ["inbound delivered: 1", "inbound redelivered: 1"]);
});

Deno.test("Delivery sends what Turn asks to wait long for to a delay that is long enough", async () => {
  await using test = new TestDelivery([{ ...RETRY, afterMs: 300_001 }]);
  const disposition = await test.deliver("m1");
  assert.ok(disposition.kind === "later");
  assert.equal(disposition.delayMs, 300_000);
  assert.equal(test.calls.length, 1);
});

for (const [label, end] of [["when we stop", "stopping"], ["when it is lost", "lost"]] as const) {
  Deno.test(`Delivery waits as long as Turn asks for, but not ${label}`, async () => {
    await using test = new TestDelivery([{ ...RETRY, afterMs: 300_000 }]);
    const lost = new AbortController();
    const disposition = test.deliver("m1", { lost: lost.signal });
    await settle();
    assert.equal(test.calls.length, 1);
    if (end === "lost") lost.abort();
    else test.stop();
    assert.deepEqual(await disposition, REQUEUE);
  });
}

Deno.test("Delivery begins nothing when we stop, or when the message is lost", async () => {
  await using test = new TestDelivery();
  assert.deepEqual(await test.deliver("m1", { lost: AbortSignal.abort() }), REQUEUE);
  test.stopping.abort();
  assert.deepEqual(await test.deliver("m1"), REQUEUE);
});

Deno.test("Delivery puts a call back that was abandoned", async () => {
  await using test = new TestDelivery([new DOMException("abandoned", "AbortError")]);
  test.abandon.abort();
  assert.deepEqual(await test.deliver("m1"), REQUEUE);
});

Deno.test("Delivery spends no retries of a message that comes alone on a Turn that can't be reached", async () => {
  await using test = new TestDelivery([...Array(9).fill(UNREACHABLE), DELIVERED]);
  const disposition = test.deliver("m1");
  await soon();
  assert.equal(test.gate.status().breaker, "open");
  assert.equal(test.calls.length, 5);
  // Once each pause, in hand.
  await test.clock.advance(1_000 + 2_000 + 4_000 + 8_000);
  assert.equal(test.calls.length, 9);
  await test.clock.advance(16_000);
  assert.deepEqual(await disposition, DONE);
});

Deno.test("Delivery keeps what waits for Turn in hand, in order, and spends no attempts", async () => {
  const ends: End[] = [
    ...Array(5).fill(UNREACHABLE),
    DOUBTFUL,
    UNREACHABLE,
    ...Array(10).fill(DELIVERED),
  ];
  await using test = new TestDelivery(ends);
  const users = ["a", "b", "c", "d", "e"];
  const dispositions = [1, 2].flatMap((n) =>
    users.map((key) => test.deliver(`${key}${n}`, {}, { key }))
  );
  await soon();
  assert.equal(test.gate.status().breaker, "open");
  assert.equal(test.calls.length, 5);
  await test.clock.advance(1_000 + 2_000);
  // One call a pause, each about another message.
  assert.equal(test.calls.length, 7);
  assert.equal(new Set(test.calls.slice(5)).size, 2);
  await test.clock.advance(4_000);
  assert.deepEqual(await Promise.all(dispositions), dispositions.map(() => DONE));
  assert.equal(await test.counted("delayed"), 0);
  assert.equal(await test.counted("requeued"), 0);
  for (const key of users) {
    const order = test.calls.slice(5).filter((id) => id.startsWith(key));
    assert.deepEqual([...new Set(order)], [`${key}1`, `${key}2`]);
  }
});

Deno.test("Delivery counts attempts across being put back", async () => {
  await using test = new TestDelivery([RETRY, RETRY]);
  const lost = new AbortController();
  const first = test.deliver("m2", { lost: lost.signal }, {
    call: () => {
      lost.abort();
      return Promise.resolve(RETRY);
    },
  });
  assert.deepEqual(await first, REQUEUE);
  const gone = { redelivered: true, lost: AbortSignal.abort() };
  assert.deepEqual(await test.deliver("m2", gone), REQUEUE);
  assert.deepEqual(await test.deliver("m2", gone), REQUEUE);
  const last = await test.deliver("m2", { redelivered: true });
  assert.equal(readPast(headersOf(last))?.attempts, 3);
  assert.equal(test.calls.length, 2);
});
