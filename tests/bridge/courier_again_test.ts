import assert from "node:assert/strict";
import { CacheError } from "../../src/cache/mod.ts";
import type { Disposition } from "../../src/vumi/mod.ts";
import { DELIVERED, headersOf, RETRY, TestCourier } from "./courier_support.ts";
import { FlakyCache, settle } from "./support.ts";

const DONE: Disposition = { kind: "done" };
const REQUEUE: Disposition = { kind: "requeue" };

Deno.test("Courier.deliver() drops what Turn has already, when it comes again", async () => {
  await using test = new TestCourier([DELIVERED, RETRY, RETRY, RETRY, DELIVERED]);
  await test.deliver("m1");
  // The ack was lost, and we know of it, or were started anew.
  assert.deepEqual(await test.deliver("m1", { redelivered: true }), DONE);
  const anew = new TestCourier([], test.cache);
  assert.deepEqual(await anew.deliver("m1", { redelivered: true }), DONE);
  assert.equal(await anew.counted("duplicate"), 1);
  // The ack of one that went to a delay queue was lost, so that there are two of it.
  const headers = headersOf(await test.deliver("m2", {}, { key: "b" }));
  assert.deepEqual(await test.deliver("m2", { headers }, { key: "b" }), DONE);
  assert.deepEqual(await test.deliver("m2", { redelivered: true }, { key: "b" }), DONE);
  assert.deepEqual(test.calls, ["m1", "m2", "m2", "m2", "m2"]);
  assert.deepEqual(await test.cache.counts(), ["inbound delivered: 2"]);
});

Deno.test("Courier.deliver() is done when Turn took it, also if that can't be noted", async () => {
  await using test = new TestCourier([DELIVERED]);
  test.cache.failing.add("putNotes");
  assert.deepEqual(await test.deliver("m1"), DONE);
});

Deno.test("Courier.deliver() lets RabbitMQ know at once that Turn took it, noted or not yet", async () => {
  await using test = new TestCourier([DELIVERED]);
  test.cache.putNotes = () => Promise.withResolvers<void>().promise;
  assert.deepEqual(await test.deliver("m1"), DONE);
});

for (const failing of ["getNote", "putNotes"] as const) {
  Deno.test(`Courier.deliver() holds a message back when ${failing} of the cache fails`, async () => {
    await using test = new TestCourier([DELIVERED]);
    test.cache.failing.add(failing);
    const disposition = test.deliver("m1", { redelivered: true });
    await settle();
    assert.equal(await test.counted("requeued"), 0);
    assert.equal(await test.counted("cache_failed"), 1);
    test.stopping.abort(); // Ends the pause.
    assert.deepEqual(await disposition, REQUEUE);
    assert.deepEqual(test.calls, []);
  });
}

Deno.test("Courier.deliver() holds a message back when it can't be prepared, with all behind it", async () => {
  await using test = new TestCourier();
  const prepare = () => test.cache.getInbound("x").then(() => undefined);
  test.cache.failing.add("getInbound");
  const dispositions = ["m1", "m2"].map((id) => test.deliver(id, {}, { prepare }));
  await settle();
  test.stopping.abort();
  assert.deepEqual(await Promise.all(dispositions), [REQUEUE, REQUEUE]);
});

Deno.test("Courier.deliver() parks what has ended the program five times, and counts that", async () => {
  await using cache = new FlakyCache();
  const never = Promise.withResolvers<never>().promise;
  const programs = [];
  for (let deaths = 0; deaths < 5; deaths++) {
    const program = new TestCourier([never], cache);
    programs.push(program);
    void program.deliver("m1", { redelivered: deaths > 0 });
    await settle();
    assert.deepEqual(program.calls, ["m1"]);
  }
  const last = new TestCourier([], cache);
  const disposition = await last.deliver("m1", { redelivered: true });
  assert.ok(disposition.kind === "park");
  assert.match(disposition.reason, /ended 5 times/);
  assert.equal(await last.counted("parked"), 1);
  await settle();
  assert.deepEqual(await cache.counts(), ["inbound parked: 1", "inbound redelivered: 5"]);
  for (const program of [...programs, last]) program.gate.stop();
});

Deno.test("Courier.deliver() suspects nothing that it put back itself, nor what waited behind", async () => {
  await using test = new TestCourier([DELIVERED, DELIVERED]);
  const prepare = () => Promise.reject(new CacheError("full"));
  const first = test.deliver("m1", {}, { prepare });
  const second = test.deliver("m2");
  assert.deepEqual([await first, await second], [REQUEUE, REQUEUE]);
  for (const id of ["m1", "m2"]) {
    assert.deepEqual(await test.deliver(id, { redelivered: true }), DONE);
  }
  assert.equal(await test.counted("redelivered"), 0);
});

Deno.test("Courier.deliver() does not take foreign headers for attempts of its own", async () => {
  await using test = new TestCourier([DELIVERED]);
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
    ["for the second time in its partition, perhaps", { headers: { "x-moved-again": 1 } }, false],
    ["after it failed", { headers: { "x-retry-waits": 1, "x-retry-attempts": 3 } }, false],
  ] as const
) {
  Deno.test(`Courier.deliver() knows whether a message is new: it comes ${label}`, async () => {
    await using test = new TestCourier([DELIVERED]);
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

Deno.test("Courier.deliver() does not send again what may be in its partition twice, nor suspects it", async () => {
  await using test = new TestCourier([DELIVERED, DELIVERED]);
  const headers = { "x-moved-again": 1 };
  await test.deliver("m1");
  assert.deepEqual(await test.deliver("m1", { headers }), DONE);
  assert.equal(await test.counted("duplicate"), 1);
  // It was not delivered, and is not a message that we may have died over.
  const notes: string[] = [];
  const { putNotes } = test.cache;
  test.cache.putNotes = (...args) => {
    notes.push(...args[0].map(({ kind }) => kind));
    return putNotes.apply(test.cache, args);
  };
  assert.deepEqual(await test.deliver("m2", { headers }), DONE);
  assert.deepEqual(notes, ["delivered_inbound"]);
  assert.equal(await test.counted("redelivered"), 0);
  assert.deepEqual(test.calls, ["m1", "m2"]);
});
