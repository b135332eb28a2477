import assert from "node:assert/strict";
import { readPast } from "../../src/bridge/retry_headers.ts";
import type { Disposition } from "../../src/vumi/mod.ts";
import { soon } from "./clock.ts";
import {
  DELIVERED,
  DOUBTFUL,
  type End,
  headersOf,
  HOUR_MS,
  REFUSED,
  TestDelivery,
} from "./delivery_support.ts";

const DONE: Disposition = { kind: "done" };
const MINUTE_MS = 60_000;
const AWAY = { ...DOUBTFUL, status: 503, fault: "unavailable", afterMs: 600_000 } as const;
const OURS = { ...DOUBTFUL, fault: "ours" } as const;

/** A delivery whose calls fail until `isUp`. */
function down(maxRetries: number, ends: End[] = Array(9_999).fill(DOUBTFUL)): TestDelivery {
  return new TestDelivery(ends, undefined, undefined, { maxRetries });
}

/** Turn takes all from now on. */
function up({ ends, calls }: TestDelivery): void {
  ends.splice(0, Infinity, ...Array(99).fill(DELIVERED));
  calls.length = 0;
}

for (const maxRetries of [0, 1, 2, 3, 9]) {
  Deno.test(`Delivery: one message in 34 s finds Turn down, and is first when it is back (max_retries ${maxRetries})`, async () => {
    await using test = down(maxRetries);
    const first = test.deliver("a1", {}, { key: "a" });
    await test.clock.advance(0);
    // Out of the first delay at the latest it stays in hand.
    const delayed = test.gate.status().breaker === "closed" ? await first : undefined;
    assert.equal(delayed?.kind, maxRetries < 4 ? "later" : undefined);
    await test.clock.advance(5_000);
    const back = delayed && test.deliver("a1", { headers: headersOf(delayed) }, { key: "a" });
    await test.clock.advance(5_000);
    assert.notEqual(test.gate.status().breaker, "closed");
    const sent = [back ?? first];
    for (const id of ["a2", "b1", "a3"]) {
      await test.clock.advance(34_000);
      sent.push(test.deliver(id, {}, { key: id.slice(0, 1) }));
    }
    await test.clock.advance(34_000);
    up(test);
    await test.clock.advance(10_000);
    assert.deepEqual(await Promise.all(sent), sent.map(() => DONE));
    assert.deepEqual(test.calls.filter((id) => id.startsWith("a")), ["a1", "a2", "a3"]);
    assert.equal(await test.counted("parked"), 0);
  });
}

Deno.test("Delivery charges nobody while several fail, however long, also what is short of time", async () => {
  await using test = down(3);
  const short = { retryForMs: 2 * MINUTE_MS };
  const sent = ["a", "b", "c", "d", "e"].map((key) => test.deliver(key, {}, { key, ...short }));
  await test.clock.advance(14 * MINUTE_MS);
  up(test);
  await test.clock.advance(10_000);
  assert.deepEqual(await Promise.all(sent), sent.map(() => DONE));
});

Deno.test("Delivery parks what fails alone when it is not worth trying any more, and not before", async () => {
  await using test = down(9);
  const ended: Disposition[] = [];
  void test.deliver("a1", {}, { retryForMs: 2 * MINUTE_MS }).then((end) => ended.push(end));
  await test.clock.advance(2 * MINUTE_MS);
  assert.equal(ended.length, 0);
  await test.clock.advance(10_000);
  const [end] = ended;
  assert.ok(end?.kind === "park");
  assert.equal(end.reason, `Turn answered 500, after ${test.calls.length} attempts`);
  assert.ok(test.calls.length < 30, `${test.calls.length} calls`);
});

Deno.test("Delivery holds what fails alone for ten minutes, then it goes through the delay queues", async () => {
  await using test = down(9);
  const headers: unknown[] = [];
  let sent = test.deliver("a1");
  const behind = test.deliver("a2");
  for (const delayMs of [5_000, 60_000, 300_000, 300_000]) {
    await test.clock.advance(headers.length === 0 ? 10 * MINUTE_MS + 10_000 : 10_000);
    const later = await sent;
    assert.ok(later.kind === "later");
    headers.push(readPast(headersOf(later))?.waits);
    assert.equal(later.delayMs, delayMs);
    await test.clock.advance(delayMs);
    sent = test.deliver("a1", { headers: headersOf(later) });
  }
  assert.deepEqual(headers, [1, 2, 3, 4]);
  up(test);
  await test.clock.advance(10_000);
  assert.deepEqual(await sent, DONE);
  assert.equal((await behind).kind, "later");
});

Deno.test("Delivery blames what fails alone as soon as another comes through", async () => {
  await using test = down(2);
  const call = { call: () => (test.calls.push("b"), Promise.resolve(DELIVERED)) };
  const first = await test.deliver("a1");
  await test.clock.advance(5_000);
  const second = test.deliver("a1", { headers: headersOf(first) });
  await test.clock.advance(60_000);
  assert.equal(test.gate.status().breaker, "open");
  const other = test.deliver("b", {}, { key: "other", ...call });
  await test.clock.advance(1_000);
  assert.deepEqual(await other, DONE);
  const later = await second;
  assert.ok(later.kind === "later");
  assert.deepEqual([later.delayMs, test.gate.status().breaker], [60_000, "closed"]);
  // From now on it makes nobody wait.
  await test.clock.advance(60_000);
  const third = await test.deliver("a1", { headers: headersOf(later) });
  assert.ok(third.kind === "later");
  assert.deepEqual([third.delayMs, test.gate.status().breaker], [300_000, "closed"]);
});

Deno.test("Delivery: a 503 with a long Retry-After costs nobody an attempt, nor time after it has ended", async () => {
  await using test = down(0, Array(99).fill(AWAY));
  const ussd = test.deliver("u", {}, { key: "u", retryForMs: 2 * MINUTE_MS });
  const sms = test.deliver("s", {}, { key: "s" });
  await test.clock.advance(17_000);
  assert.ok(test.calls.length <= 4, `${test.calls.length} calls`);
  up(test);
  await test.clock.advance(10_000);
  assert.deepEqual(await Promise.all([ussd, sms]), [DONE, DONE]);
  assert.equal(await test.counted("retried"), 0);
});

Deno.test("Delivery waits when we can't call for a reason of our own, and blames nobody", async () => {
  await using test = down(0, [...Array(30).fill(OURS), DELIVERED]);
  const sent = test.deliver("m1", {}, { retryForMs: 0 });
  await test.clock.advance(29_999);
  assert.deepEqual([test.calls.length, test.gate.status().breaker], [30, "closed"]);
  await test.clock.advance(1);
  assert.deepEqual(await sent, DONE);
});

Deno.test("Delivery counts the time that a message is worth trying across being put back", async () => {
  await using test = down(9, [DOUBTFUL, DOUBTFUL, REFUSED]);
  const lost = new AbortController();
  const first = test.deliver("m1", { lost: lost.signal }, {
    call: () => {
      lost.abort();
      return Promise.resolve(DOUBTFUL);
    },
  });
  assert.equal((await first).kind, "requeue");
  const since = test.now;
  test.now += HOUR_MS / 2;
  const last = await test.deliver("m1", { redelivered: true });
  assert.equal(readPast(headersOf(last))?.firstFailureAt, since);
  await soon();
});
