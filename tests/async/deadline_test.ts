import assert from "node:assert/strict";
import { Deadline, EXPIRED, Timeouts, within } from "../../src/async/mod.ts";

/** Never settles. */
const FOREVER = new Promise<never>(() => {});

Deno.test("within() comes to what the work comes to", async () => {
  assert.equal(await within(Promise.resolve("done"), 60_000), "done");
  assert.equal(
    await within(Promise.resolve("done"), Infinity, new AbortController().signal),
    "done",
  );
  await assert.rejects(within(Promise.reject(new Error("no")), 60_000), /^Error: no$/);
});

Deno.test("within() expires when the time is up, or the signal fires or has fired", async () => {
  assert.equal(await within(FOREVER, 1), EXPIRED);
  assert.equal(await within(FOREVER, Infinity, AbortSignal.abort()), EXPIRED);
  const stop = new AbortController();
  const waiting = within(FOREVER, Infinity, stop.signal);
  stop.abort();
  assert.equal(await waiting, EXPIRED);
});

Deno.test("within() lets work fail later without anybody listening", async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  assert.equal(await within(promise, 1), EXPIRED);
  reject(new Error("too late"));
  await new Promise((resolve) => setTimeout(resolve, 0));
});

Deno.test("Deadline.race() expires for every step, once the time is up", async () => {
  using deadline = new Deadline(20, new Timeouts());
  assert.equal(await deadline.race(Promise.resolve("first")), "first");
  assert.equal(await deadline.race(FOREVER), EXPIRED);
  assert.equal(await deadline.race(FOREVER), EXPIRED);
});
