import assert from "node:assert/strict";
import { readPast } from "../../src/bridge/retry_headers.ts";
import type { Disposition } from "../../src/vumi/mod.ts";
import { soon } from "./clock.ts";
import {
  DELIVERED,
  type End,
  headersOf,
  HOLD_MS,
  LIMITED,
  RETRY,
  TestDelivery,
  UNREACHABLE,
} from "./delivery_support.ts";
import { FlakyCache, settle } from "./support.ts";

const DONE: Disposition = { kind: "done" };
const REQUEUE: Disposition = { kind: "requeue" };
const DOWN: readonly End[] = Array(9_999).fill(UNREACHABLE);

/** Each copy's number, whether it was begun, and its attempts. */
function told(dispositions: readonly Disposition[]): unknown[] {
  return dispositions.map((disposition) => {
    assert.equal(disposition.kind, "again");
    const past = readPast(headersOf(disposition));
    return [past?.copies, past?.isBegun, past?.attempts, past?.waits];
  });
}

Deno.test("Delivery sends what was in hand for too long to the end of its queue, in order", async () => {
  await using test = new TestDelivery([...DOWN]);
  const sent = ["a1", "a2", "a3"].map((id) => test.deliver(id));
  await test.clock.advance(HOLD_MS - 1);
  const late = test.deliver("a4");
  assert.equal(await test.counted("again"), 0);
  await test.clock.advance(1);
  // a4 has just come, but is not to overtake.
  const again = await Promise.all([...sent, late]);
  // Four calls had failed before it was known that Turn is down.
  assert.deepEqual(told(again), [
    [1, true, 4, 0],
    [1, false, 0, 0],
    [1, false, 0, 0],
    [1, false, 0, 0],
  ]);
  assert.equal(await test.counted("again"), 4);
  assert.equal(await test.counted("requeued"), 0);
  // And they come once more, behind one that is new and goes behind them.
  assert.deepEqual(told([await test.deliver("a5")]), [[1, false, 0, 0]]);
  test.ends.splice(0, Infinity, ...Array(9).fill(DELIVERED));
  await test.clock.advance(60_000);
  test.calls.length = 0;
  const kinds = new Set<string>();
  const { putNotes } = test.cache;
  test.cache.putNotes = (...args) => {
    for (const { kind } of args[0]) kinds.add(kind);
    return putNotes.apply(test.cache, args);
  };
  const isNew: boolean[] = [];
  const prepare = (value: boolean) => {
    isNew.push(value);
    return Promise.resolve(undefined);
  };
  for (const [n, disposition] of again.entries()) {
    const headers = headersOf(disposition);
    assert.deepEqual(await test.deliver(`a${n + 1}`, { headers }, { prepare }), DONE);
  }
  assert.deepEqual(test.calls, ["a1", "a2", "a3", "a4"]);
  // Of those that waited behind it is known that nothing was done.
  assert.deepEqual(isNew, [false, true, true, true]);
  // Nobody died over them.
  assert.deepEqual([...kinds], ["delivered_inbound"]);
  assert.equal(await test.counted("redelivered"), 0);
});

Deno.test("Delivery counts how often it has sent a message to the end of its queue", async () => {
  await using test = new TestDelivery([...DOWN]);
  let headers = {};
  for (let n = 1; n <= 3; n++) {
    const sent = test.deliver("m1", { headers });
    await test.clock.advance(HOLD_MS);
    headers = headersOf(await sent);
    assert.equal(readPast(headers)?.copies, n);
  }
});

const WAITS: readonly [string, readonly End[], (test: TestDelivery) => void][] = [
  ["Turn's rate limit", Array(99).fill({ ...LIMITED, afterMs: 600_000 }), () => {}],
  ["the cache", [], (test) => test.cache.failing.add("getInbound")],
  ["another attempt", Array(9).fill({ ...RETRY, afterMs: 299_000 }), () => {}],
];

for (const [what, ends, begin] of WAITS) {
  Deno.test(`Delivery waits in hand for ${what}, and not for too long`, async () => {
    await using test = new TestDelivery([...ends], undefined, undefined, { maxRetries: 9 });
    begin(test);
    const prepare = () => test.cache.getInbound("x").then(() => undefined);
    const sent = [test.deliver("m1", {}, { prepare }), test.deliver("m2", {}, { prepare })];
    await test.clock.advance(HOLD_MS - 1);
    assert.equal(await test.counted("again"), 0);
    await test.clock.advance(1);
    const again = await Promise.all(sent);
    assert.deepEqual(again.map(({ kind }) => kind), ["again", "again"]);
    // Turn never knew, so that it tries for the rest of the quick attempts when they come again.
    const failures = what === "another attempt" ? 4 : 0;
    assert.equal(readPast(headersOf(again[0] ?? DONE))?.attempts, failures);
    assert.equal(await test.counted("requeued"), 0);
  });
}

Deno.test("Delivery has the rest of its quick attempts at the end of the queue", async () => {
  const slow = { ...RETRY, afterMs: 299_000 } as const;
  await using test = new TestDelivery(Array(8).fill(slow), undefined, undefined, { maxRetries: 5 });
  const first = test.deliver("m1");
  await test.clock.advance(HOLD_MS);
  const again = await first;
  assert.deepEqual(told([again]), [[1, true, 4, 0]]);
  const since = readPast(headersOf(again))?.firstFailureAt;
  // In the next program, too.
  const next = new TestDelivery(Array(2).fill(slow), test.cache, undefined, { maxRetries: 5 });
  next.now = test.now;
  const last = next.deliver("m1", { headers: headersOf(again) });
  await next.clock.advance(299_000);
  const later = readPast(headersOf(await last));
  assert.deepEqual([later?.attempts, later?.waits, later?.firstFailureAt], [6, 1, since]);
});

for (const returns of [3, 19]) {
  Deno.test(`Delivery copies first what was returned ${returns} times, and all behind it`, async () => {
    await using test = new TestDelivery([DELIVERED, DELIVERED]);
    const prepare = () => assert.fail("begun");
    const first = test.deliver("a1", { returns, redelivered: true }, { prepare });
    const second = test.deliver("a2", { returns: 0 }, { prepare });
    const again = await Promise.all([first, second]);
    assert.deepEqual(told(again), [[1, true, 0, 0], [1, false, 0, 0]]);
    assert.deepEqual(test.calls, []);
    for (const [n, disposition] of again.entries()) {
      const headers = headersOf(disposition);
      assert.deepEqual(await test.deliver(`a${n + 1}`, { headers }), DONE);
    }
    assert.deepEqual(test.calls, ["a1", "a2"]);
    await settle();
    assert.deepEqual(await test.cache.counts(), ["inbound delivered: 2", "inbound redelivered: 1"]);
  });
}

Deno.test("Delivery copies what was returned too often although the cache fails", async () => {
  await using test = new TestDelivery([]);
  test.cache.failing.add("getNote").add("putNotes");
  const again = await test.deliver("a1", { returns: 15, redelivered: true });
  assert.equal(again.kind, "again");
  assert.deepEqual(test.calls, []);
});

Deno.test("Delivery works on what was returned twice", async () => {
  await using test = new TestDelivery([DELIVERED]);
  assert.deepEqual(await test.deliver("m1", { returns: 2, redelivered: true }), DONE);
});

Deno.test("Delivery parks what ends the program each time, copied or not", async () => {
  await using cache = new FlakyCache();
  const programs: TestDelivery[] = [];
  const never = Promise.withResolvers<never>().promise;
  let headers = {};
  let returns = 0;
  const kinds: string[] = [];
  for (let n = 0; n < 12; n++) {
    const program = new TestDelivery([never], cache);
    programs.push(program);
    const answer = program.deliver("m1", { headers, returns, redelivered: returns > 0 });
    const disposition = await Promise.race([answer, soon()]);
    kinds.push(disposition?.kind ?? "died");
    if (disposition === undefined) returns++;
    else if (disposition.kind === "park") break;
    else {
      headers = headersOf(disposition);
      returns = 0;
    }
  }
  assert.deepEqual(kinds, ["died", "died", "died", "again", "died", "died", "park"]);
  for (const program of programs) program.gate.stop();
});

Deno.test("Delivery does not acquit what only waited in hand for too long", async () => {
  await using test = new TestDelivery([...DOWN]);
  await test.crashes.set("m1", 3);
  const sent = test.deliver("m1", { redelivered: true });
  await test.clock.advance(HOLD_MS);
  const headers = headersOf(await sent);
  assert.equal(test.cache.handover.left, '[["m1",3]]');
  test.ends.splice(0, Infinity, DELIVERED);
  await test.clock.advance(60_000);
  assert.deepEqual(await test.deliver("m1", { headers }), DONE);
  assert.equal(test.cache.handover.left, "[]");
});

Deno.test("Delivery puts back what waits when we stop, and when it is lost", async () => {
  await using test = new TestDelivery([...DOWN]);
  const lost = new AbortController();
  const [a1, a2] = ["a1", "a2"].map((id) => test.deliver(id, { lost: lost.signal }));
  const b1 = test.deliver("b1", {}, { key: "b" });
  await soon();
  lost.abort();
  assert.deepEqual(await Promise.all([a1, a2]), [REQUEUE, REQUEUE]);
  test.stop();
  assert.deepEqual(await b1, REQUEUE);
});

Deno.test("Delivery does not wait for what is in a late delay queue, though it was copied since", async () => {
  await using test = new TestDelivery([...DOWN]);
  const headers = { "x-retry-waits": 2, "x-retry-attempts": 4, "x-retry-place": "0.0" };
  const late = test.deliver("a1", { headers });
  await test.clock.advance(HOLD_MS);
  const again = await late;
  assert.deepEqual(told([again]), [[1, true, 8, 2]]);
  test.ends.splice(0, Infinity, DELIVERED, DELIVERED);
  await test.clock.advance(60_000);
  assert.deepEqual(await test.deliver("a2"), DONE);
  assert.deepEqual(await test.deliver("a1", { headers: headersOf(again) }), DONE);
});

Deno.test("Delivery keeps a user's order across programs, also behind what was copied", async () => {
  await using test = new TestDelivery([...DOWN]);
  const sent = test.deliver("a1");
  await test.clock.advance(HOLD_MS);
  const again = headersOf(await sent);
  const next = new TestDelivery([DELIVERED, DELIVERED], test.cache);
  next.now = test.now;
  const second = await next.deliver("a2");
  assert.equal(second.kind, "again");
  assert.deepEqual(await next.deliver("a1", { headers: again }), DONE);
  assert.deepEqual(await next.deliver("a2", { headers: headersOf(second) }), DONE);
  // One that spoke for the channel before goes by what has happened since, when it does again.
  test.deliveries.forget();
  test.ends.splice(0, Infinity, DELIVERED);
  await test.clock.advance(60_000);
  assert.deepEqual(await test.deliver("a3"), DONE);
});

Deno.test("Delivery notes where a message is to be found before it goes", async () => {
  await using test = new TestDelivery([...DOWN]);
  const { promise: noted, resolve: note } = Promise.withResolvers<void>();
  const { putNotes } = test.cache;
  test.cache.putNotes = async (...args) => {
    if (args[0].some(({ kind }) => kind === "order")) await noted;
    return await putNotes.apply(test.cache, args);
  };
  let isSent = false;
  const sent = test.deliver("a1").then(() => isSent = true);
  await test.clock.advance(HOLD_MS + 1_000);
  assert.equal(isSent, false);
  note();
  await sent;
});

Deno.test("Delivery goes on when that can't be noted, by what is known in memory", async () => {
  await using test = new TestDelivery([RETRY, RETRY, RETRY, DELIVERED, DELIVERED]);
  await test.deliver("x", {}, {
    key: "other",
    prepare: () => Promise.resolve("x"),
  });
  test.cache.failing.add("putNotes").add("deleteNote");
  const first = await test.deliver("a1");
  const second = await test.deliver("a2");
  assert.deepEqual([first.kind, second.kind], ["later", "later"]);
  assert.deepEqual(await test.deliver("a1", { headers: headersOf(first) }), DONE);
  assert.deepEqual(await test.deliver("a2", { headers: headersOf(second) }), DONE);
  await settle();
});

Deno.test("Delivery asks the cache nothing about a message that is new", async () => {
  await using test = new TestDelivery([DELIVERED, DELIVERED, DELIVERED]);
  await test.deliver("m1");
  const used: string[] = [];
  for (const method of ["getNote", "deleteNote", "putNotes", "tally"] as const) {
    const original = test.cache[method];
    Object.assign(test.cache, {
      [method]: (...args: unknown[]) => {
        used.push(method);
        return Reflect.apply(original, test.cache, args);
      },
    });
  }
  await Promise.all([test.deliver("m2"), test.deliver("m3", {}, { key: "b" })]);
  assert.deepEqual(used, ["putNotes", "putNotes"]);
});

Deno.test("Delivery lets others overtake a first delay that is longer than a conversation", async () => {
  await using test = new TestDelivery([RETRY, RETRY, RETRY, DELIVERED], undefined, [1_800_000]);
  assert.equal((await test.deliver("a1")).kind, "later");
  assert.deepEqual(await test.deliver("a2"), DONE);
});
