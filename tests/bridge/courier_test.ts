import assert from "node:assert/strict";
import { Courier, retryDelayMs } from "../../src/bridge/courier.ts";
import { CacheError } from "../../src/cache/mod.ts";
import { Metrics } from "../../src/telemetry/mod.ts";
import type { Delivery } from "../../src/turn/mod.ts";

const DELIVERED: Delivery = { kind: "delivered", status: 200 };
const RETRY: Delivery = { kind: "retry", reason: "Turn answered 500", status: 500, afterMs: 0 };
const REFUSED: Delivery = { kind: "refused", reason: "Turn answered 400", status: 400 };

const NEVER = new AbortController().signal;

Deno.test("retryDelayMs() is below base ** (retries * exponent) seconds, whole ones", () => {
  const retry = { maxRetries: 3, delayBase: 2, delayExponent: 2 };
  const almostOne = 1 - Number.EPSILON;
  const longest = [0, 1, 2, 3].map((retries) => retryDelayMs(retries, retry, almostOne));
  assert.deepEqual(longest, [0, 3_000, 15_000, 63_000]);
  assert.equal(retryDelayMs(2, retry, 0), 0);
  assert.equal(retryDelayMs(2, retry, 0.5), 8_000);
});

Deno.test("retryDelayMs() stays below what RabbitMQ waits for an ack", () => {
  const retry = { maxRetries: 9, delayBase: 10, delayExponent: 99 };
  assert.equal(retryDelayMs(9, retry, 1), 300_000);
});

/** A courier whose attempts end as told, one after the other. */
function courier(...deliveries: (Delivery | "skip" | Error)[]) {
  const stopping = new AbortController();
  const abandon = new AbortController();
  const metrics = new Metrics();
  let attempts = 0;
  const made = new Courier({
    retry: { maxRetries: 2, delayBase: 0, delayExponent: 1 },
    metrics,
    stopping: stopping.signal,
    abandon: abandon.signal,
  });
  const deliver = (lost = NEVER) =>
    made.deliver({ flow: "inbound", messageId: "m1" }, lost, () => {
      const delivery = deliveries[attempts++];
      assert.ok(delivery !== undefined, "tried once too often");
      return delivery instanceof Error ? Promise.reject(delivery) : Promise.resolve(delivery);
    });
  return { deliver, stopping, abandon, metrics, attempts: () => attempts };
}

Deno.test("Courier.deliver() is done when Turn took it", async () => {
  const { deliver, metrics } = courier(DELIVERED);
  assert.deepEqual(await deliver(), { kind: "done" });
  assert.match(await metrics.text(), /{flow="inbound",result="delivered"} 1/);
});

Deno.test("Courier.deliver() is done when there was nothing to tell", async () => {
  const { deliver, metrics } = courier("skip");
  assert.deepEqual(await deliver(), { kind: "done" });
  assert.match(await metrics.text(), /{flow="inbound",result="skipped"} 1/);
});

Deno.test("Courier.deliver() tries maxRetries times more, and then parks", async () => {
  const { deliver, attempts, metrics } = courier(RETRY, RETRY, RETRY);
  assert.deepEqual(await deliver(), { kind: "park", reason: "Turn answered 500", status: 500 });
  assert.equal(attempts(), 3);
  assert.match(await metrics.text(), /{flow="inbound",result="parked"} 1/);
});

Deno.test("Courier.deliver() is done when a later attempt succeeds", async () => {
  const { deliver, attempts } = courier(RETRY, RETRY, DELIVERED);
  assert.deepEqual(await deliver(), { kind: "done" });
  assert.equal(attempts(), 3);
});

Deno.test("Courier.deliver() parks what Turn refuses, at once", async () => {
  const { deliver, attempts } = courier(REFUSED);
  assert.deepEqual(await deliver(), { kind: "park", reason: "Turn answered 400", status: 400 });
  assert.equal(attempts(), 1);
});

Deno.test("Courier.deliver() parks with what Turn said", async () => {
  const { deliver } = courier({ ...REFUSED, said: "Bad text" });
  const reason = "Turn answered 400: Bad text";
  assert.deepEqual(await deliver(), { kind: "park", reason, status: 400 });
});

Deno.test("Courier.deliver() tries again when the cache failed", async () => {
  const { deliver } = courier(new CacheError("disk full"), DELIVERED);
  assert.deepEqual(await deliver(), { kind: "done" });
});

Deno.test("Courier.deliver() lets a bug through", async () => {
  await assert.rejects(courier(new TypeError("bug")).deliver(), TypeError);
});

Deno.test("Courier.deliver() waits as long as Turn asks for, but not when we stop", async () => {
  const { deliver, stopping, attempts } = courier({ ...RETRY, afterMs: 3_600_000 });
  const disposition = deliver();
  while (attempts() === 0) await Promise.resolve();
  stopping.abort();
  assert.deepEqual(await disposition, { kind: "requeue" });
});

Deno.test("Courier.deliver() leaves a lost message to its next delivery", async () => {
  const lost = new AbortController();
  const { deliver, attempts } = courier({ ...RETRY, afterMs: 3_600_000 });
  const disposition = deliver(lost.signal);
  while (attempts() === 0) await Promise.resolve();
  lost.abort();
  assert.deepEqual(await disposition, { kind: "requeue" });
});

Deno.test("Courier.deliver() begins nothing when we stop", async () => {
  const { deliver, stopping, attempts } = courier();
  stopping.abort();
  assert.deepEqual(await deliver(), { kind: "requeue" });
  assert.equal(attempts(), 0);
});

Deno.test("Courier.deliver() puts a call back that was abandoned", async () => {
  const { deliver, abandon } = courier(new DOMException("abandoned", "AbortError"));
  abandon.abort();
  assert.deepEqual(await deliver(), { kind: "requeue" });
});
