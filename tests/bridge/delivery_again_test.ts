import assert from "node:assert/strict";
import { CacheError } from "../../src/cache/mod.ts";
import type { Disposition } from "../../src/vumi/mod.ts";
import { soon } from "./clock.ts";
import { DELIVERED, headersOf, RETRY, TestDelivery, UNREACHABLE } from "./delivery_support.ts";
import { FlakyCache, settle } from "./support.ts";

const DONE: Disposition = { kind: "done" };
const REQUEUE: Disposition = { kind: "requeue" };

Deno.test("Delivery drops what Turn has already, when it comes again", async () => {
  await using test = new TestDelivery([DELIVERED, RETRY, RETRY, RETRY, DELIVERED]);
  await test.deliver("m1");
  // The ack was lost, and we know of it, or were started anew.
  assert.deepEqual(await test.deliver("m1", { redelivered: true }), DONE);
  const anew = new TestDelivery([], test.cache);
  assert.deepEqual(await anew.deliver("m1", { redelivered: true }), DONE);
  assert.equal(await anew.counted("duplicate"), 1);
  // The ack of one that went to a delay queue was lost, so that there are two of it.
  const headers = headersOf(await test.deliver("m2", {}, { key: "b" }));
  assert.deepEqual(await test.deliver("m2", { headers }, { key: "b" }), DONE);
  assert.deepEqual(await test.deliver("m2", { redelivered: true }, { key: "b" }), DONE);
  assert.deepEqual(test.calls, ["m1", "m2", "m2", "m2", "m2"]);
  await settle();
  assert.deepEqual(await test.cache.counts(), [
    "inbound delayed: 1",
    "inbound delivered: 2",
    "inbound duplicate: 3",
    "inbound undelayed: 1",
  ]);
});

Deno.test("Delivery is done when Turn took it, also if that can't be noted", async () => {
  await using test = new TestDelivery([DELIVERED]);
  test.cache.failing.add("putNotes");
  assert.deepEqual(await test.deliver("m1"), DONE);
});

Deno.test("Delivery lets RabbitMQ know at once that Turn took it, noted or not yet", async () => {
  await using test = new TestDelivery([DELIVERED]);
  test.cache.putNotes = () => Promise.withResolvers<void>().promise;
  assert.deepEqual(await test.deliver("m1"), DONE);
});

Deno.test("Delivery keeps a message in hand while the cache fails", async () => {
  await using test = new TestDelivery([DELIVERED]);
  test.cache.failing.add("getNote");
  const disposition = test.deliver("m1", { redelivered: true });
  await test.clock.advance(10_000);
  assert.deepEqual(test.calls, []);
  assert.equal(await test.counted("requeued"), 0);
  assert.equal(await test.counted("cache_failed"), 6);
  test.cache.failing.clear();
  await test.clock.advance(2_000);
  assert.deepEqual(await disposition, DONE);
  assert.deepEqual(test.calls, ["m1"]);
  assert.equal(await test.counted("redelivered"), 1);
});

Deno.test("Delivery does not wait for the cache when we stop, nor when it is lost", async () => {
  await using test = new TestDelivery();
  const prepare = () => Promise.reject(new CacheError("full"));
  const lost = new AbortController();
  const one = test.deliver("m1", { lost: lost.signal }, { prepare });
  const other = test.deliver("m2", {}, { prepare, key: "b" });
  await soon();
  lost.abort();
  assert.deepEqual(await one, REQUEUE);
  test.stop();
  assert.deepEqual(await other, REQUEUE);
});

Deno.test("Delivery prepares again, with all behind it waiting, and not as new", async () => {
  await using test = new TestDelivery([DELIVERED, DELIVERED]);
  const prepared: boolean[] = [];
  const prepare = async (isNew: boolean) => {
    prepared.push(isNew);
    await test.cache.getInbound("x");
    return undefined;
  };
  test.cache.failing.add("getInbound");
  const dispositions = ["m1", "m2"].map((id) => test.deliver(id, {}, { prepare }));
  await test.clock.advance(4_000);
  assert.deepEqual(prepared, [true, false, false]);
  test.cache.failing.clear();
  await test.clock.advance(2_000);
  assert.deepEqual(await Promise.all(dispositions), [DONE, DONE]);
  assert.deepEqual(prepared, [true, false, false, false, true]);
});

Deno.test("Delivery parks what has ended the program five times, and counts that", async () => {
  await using cache = new FlakyCache();
  const never = Promise.withResolvers<never>().promise;
  const programs = [];
  for (let crashes = 0; crashes < 5; crashes++) {
    const program = new TestDelivery([never], cache);
    programs.push(program);
    void program.deliver("m1", { redelivered: crashes > 0 });
    await settle();
    assert.deepEqual(program.calls, ["m1"]);
  }
  const last = new TestDelivery([], cache);
  const disposition = await last.deliver("m1", { redelivered: true });
  assert.ok(disposition.kind === "park");
  assert.match(disposition.reason, /ended 5 times/);
  assert.equal(await last.counted("parked"), 1);
  await settle();
  assert.deepEqual(await cache.counts(), ["inbound parked: 1", "inbound redelivered: 5"]);
  for (const program of [...programs, last]) program.gate.stop();
});

Deno.test("Delivery blames nothing that it put back itself, nor what waited behind", async () => {
  await using test = new TestDelivery([DELIVERED, DELIVERED]);
  const lost = new AbortController();
  const prepare = () => Promise.reject(new CacheError("full"));
  const first = test.deliver("m1", { lost: lost.signal }, { prepare });
  const second = test.deliver("m2", { lost: lost.signal });
  await soon();
  lost.abort();
  assert.deepEqual([await first, await second], [REQUEUE, REQUEUE]);
  const isNew: boolean[] = [];
  for (const id of ["m1", "m2"]) {
    const disposition = await test.deliver(id, { redelivered: true }, {
      prepare: (value) => {
        isNew.push(value);
        return Promise.resolve(undefined);
      },
    });
    assert.deepEqual(disposition, DONE);
  }
  // Of the second one it is sure that nothing was done.
  assert.deepEqual(isNew, [false, true]);
  assert.equal(await test.counted("redelivered"), 0);
});

Deno.test("Delivery blames no message that waited for Turn when the program was killed", async () => {
  await using cache = new FlakyCache();
  const programs = [];
  for (let crashes = 0; crashes < 9; crashes++) {
    const program = new TestDelivery(Array(99).fill(UNREACHABLE), cache);
    programs.push(program);
    for (const id of ["m1", "m2"]) {
      void program.deliver(id, { redelivered: crashes > 0 }, { key: id });
    }
    await program.clock.advance(100);
    assert.equal(program.gate.status().breaker, "open");
  }
  const last = new TestDelivery([DELIVERED, DELIVERED], cache);
  for (const id of ["m1", "m2"]) {
    assert.deepEqual(await last.deliver(id, { redelivered: true }), DONE);
  }
  assert.equal(cache.handover.left, "[]");
  for (const program of [...programs, last]) program.stop();
});

Deno.test("Delivery does not take foreign headers for attempts of its own", async () => {
  await using test = new TestDelivery([DELIVERED]);
  const headers = { "x-retry-waits": "5", "x-retry-attempts": -1, "x-death": [{ count: 9 }] };
  let isNew: boolean | undefined;
  const prepare = (value: boolean) => {
    isNew = value;
    return Promise.resolve(undefined);
  };
  assert.deepEqual(await test.deliver("m1", { headers }, { prepare }), DONE);
  assert.equal(isNew, true);
});

for (
  const [label, how, expected] of [
    ["the first time", {}, true],
    ["again", { redelivered: true }, false],
    ["after it waited behind another", {
      headers: { "x-retry-waits": 0, "x-retry-attempts": 0 },
    }, true],
    ["after it went to the end of its queue, not begun", {
      headers: { "x-retry-waits": 0, "x-retry-copies": 1 },
    }, true],
    ["after it went to the end of its queue, begun", {
      headers: { "x-retry-waits": 0, "x-retry-copies": 1, "x-retry-begun": 1 },
    }, false],
    ["after it failed", { headers: { "x-retry-waits": 1, "x-retry-attempts": 3 } }, false],
  ] as const
) {
  Deno.test(`Delivery knows whether a message is new: it comes ${label}`, async () => {
    await using test = new TestDelivery([DELIVERED]);
    let isNew: boolean | undefined;
    await test.deliver("m1", how, {
      prepare: (value) => {
        isNew = value;
        return Promise.resolve(undefined);
      },
    });
    assert.equal(isNew, expected);
  });
}
