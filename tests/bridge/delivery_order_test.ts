import assert from "node:assert/strict";
import { NO_PAST, readPast } from "../../src/bridge/retry_headers.ts";
import type { Disposition } from "../../src/vumi/mod.ts";
import { DELIVERED, headersOf, RETRY, TestDelivery } from "./delivery_support.ts";
import { settle } from "./support.ts";

const DONE: Disposition = { kind: "done" };

Deno.test("Delivery keeps a user's messages in order", async () => {
  const { promise: ending, resolve: end } = Promise.withResolvers<typeof DELIVERED>();
  await using test = new TestDelivery([ending, DELIVERED, RETRY, DELIVERED, DELIVERED]);
  const first = test.deliver("a1"), second = test.deliver("a2"), third = test.deliver("a3");
  const other = test.deliver("b1", {}, { key: "other" });
  assert.deepEqual(await other, DONE);
  assert.deepEqual(test.calls, ["a1", "b1"]);
  end(DELIVERED);
  assert.deepEqual(await Promise.all([first, second, third]), [DONE, DONE, DONE]);
  assert.deepEqual(test.calls, ["a1", "b1", "a2", "a2", "a3"]);
});

Deno.test("Delivery sends a user's next messages behind one in the first delay queue", async () => {
  await using test = new TestDelivery([RETRY, RETRY, RETRY, DELIVERED, DELIVERED, DELIVERED]);
  const first = await test.deliver("a1");
  const second = await test.deliver("a2");
  assert.ok(second.kind === "later");
  assert.equal(second.delayMs, 5_000);
  const place = { mark: test.now, nth: 2 };
  assert.deepEqual(readPast(second.headers), { ...NO_PAST, place, delayMs: 5_000 });
  // They come back in the order in which they went, others' do not wait.
  assert.deepEqual(await test.deliver("b1", {}, { key: "other" }), DONE);
  assert.deepEqual(await test.deliver("a1", { headers: headersOf(first) }), DONE);
  assert.equal((await test.deliver("a3")).kind, "later");
  assert.deepEqual(await test.deliver("a2", { headers: second.headers }), DONE);
  assert.deepEqual(test.calls.slice(3), ["b1", "a1", "a2"]);
});

Deno.test("Delivery lets a user's next messages overtake one in a later delay queue", async () => {
  await using test = new TestDelivery([...Array(4).fill(RETRY), DELIVERED, DELIVERED]);
  const first = await test.deliver("a1");
  const second = await test.deliver("a2");
  const again = await test.deliver("a1", { headers: headersOf(first) });
  assert.ok(again.kind === "later");
  assert.equal(again.delayMs, 60_000);
  assert.deepEqual(await test.deliver("a2", { headers: headersOf(second) }), DONE);
  assert.deepEqual(await test.deliver("a3"), DONE);
});

Deno.test("Delivery gives what waited behind another all its quick attempts", async () => {
  await using test = new TestDelivery([...Array(3).fill(RETRY), ...Array(3).fill(RETRY)]);
  await test.deliver("a1");
  const second = await test.deliver("a2");
  const again = await test.deliver("a2", { headers: headersOf(second) });
  assert.equal(readPast(headersOf(again))?.attempts, 3);
});

Deno.test("Delivery lets those behind wait once more when the first fails again, as soon", async () => {
  const ends = [...Array(4).fill(RETRY), DELIVERED, DELIVERED, DELIVERED];
  await using test = new TestDelivery(ends, undefined, [5_000]);
  const first = await test.deliver("a1");
  const second = await test.deliver("a2");
  const again = await test.deliver("a1", { headers: headersOf(first) });
  assert.ok(again.kind === "later" && again.delayMs === 5_000);
  const secondAgain = await test.deliver("a2", { headers: headersOf(second) });
  assert.equal(secondAgain.kind, "later");
  assert.deepEqual(readPast(headersOf(secondAgain)), {
    ...NO_PAST,
    place: { ...readPast(again.headers)?.place, nth: 2 },
    delayMs: 5_000,
  });
  assert.equal((await test.deliver("a3")).kind, "later");
  assert.deepEqual(await test.deliver("a1", { headers: again.headers }), DONE);
  assert.deepEqual(await test.deliver("a2", { headers: headersOf(secondAgain) }), DONE);
  assert.deepEqual(test.calls.slice(4), ["a1", "a2"]);
});

Deno.test("Delivery leaves in work what comes again behind what was lost", async () => {
  const first = Promise.withResolvers<typeof DELIVERED>();
  await using test = new TestDelivery([first.promise, DELIVERED, DELIVERED]);
  const session = new AbortController();
  const lost = ["a1", "a2"].map((id) => test.deliver(id, { lost: session.signal }));
  await settle();
  session.abort();
  const again = ["a1", "a2"].map((id) => test.deliver(id, { redelivered: true }));
  const third = test.deliver("a3");
  first.resolve(DELIVERED);
  await Promise.all(lost);
  assert.deepEqual(await Promise.all([...again, third]), [DONE, DONE, DONE]);
  assert.deepEqual(test.calls, ["a1", "a2", "a3"]);
});
