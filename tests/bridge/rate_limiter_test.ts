import assert from "node:assert/strict";
import fc from "fast-check";
import { RateLimiter, type Resource } from "../../src/bridge/rate_limiter.ts";
import type { RateLimit } from "../../src/turn/mod.ts";
import { simulate } from "./fixed_window.ts";

const NOW = 1_786_331_000_000;
const SAID: RateLimit = { bucket: undefined, limit: 60, remaining: 59, resetAt: NOW + 60_000 };

/** Makes a call that is answered at once. */
function call(
  limiter: RateLimiter,
  limit: Partial<RateLimit> | undefined,
  { resource = "messages", refusedForMs, now = NOW }: {
    readonly resource?: Resource;
    readonly refusedForMs?: number;
    readonly now?: number;
  } = {},
): void {
  const bucket = limiter.begun(resource);
  const told = limit && { ...NOTHING, ...limit };
  limiter.ended(resource, bucket, told, refusedForMs, now);
}

const NOTHING = { bucket: undefined, limit: undefined, remaining: undefined, resetAt: undefined };

Deno.test("RateLimiter.waitMs() is 0 as long as Turn has said nothing", () => {
  const limiter = new RateLimiter();
  for (let n = 0; n < 1000; n++) {
    assert.equal(limiter.waitMs("messages", NOW), 0);
    call(limiter, undefined);
  }
  assert.equal(limiter.waitMs("statuses", NOW), 0);
});

Deno.test("RateLimiter.waitMs() lasts until the reset when nothing remains, and a little longer", () => {
  const limiter = new RateLimiter();
  call(limiter, { ...SAID, remaining: 0 });
  assert.equal(limiter.waitMs("messages", NOW), 60_050);
  assert.equal(limiter.waitMs("messages", NOW + 60_049), 1);
  assert.equal(limiter.waitMs("messages", NOW + 60_050), 0);
});

Deno.test("RateLimiter.waitMs() counts the calls that are under way", () => {
  const limiter = new RateLimiter();
  call(limiter, { ...SAID, remaining: 2 });
  const bucket = limiter.begun("messages");
  assert.equal(limiter.waitMs("messages", NOW), 0);
  limiter.begun("messages");
  assert.equal(limiter.waitMs("messages", NOW), 60_050);
  // Answered or not, it is used up, though that answer did not say so.
  limiter.ended("messages", bucket, undefined, undefined, NOW);
  assert.equal(limiter.waitMs("messages", NOW), 60_050);
});

Deno.test("RateLimiter.notMade() gives the call back", () => {
  const limiter = new RateLimiter();
  call(limiter, SAID);
  for (let n = 0; n < 1000; n++) limiter.notMade(limiter.begun("messages"));
  for (let n = 0; n < 59; n++) {
    assert.equal(limiter.waitMs("messages", NOW), 0);
    limiter.begun("messages");
  }
  assert.equal(limiter.waitMs("messages", NOW), 60_050);
});

Deno.test("RateLimiter counts by itself when only a refusal tells the limit", () => {
  const limiter = new RateLimiter();
  call(limiter, { limit: 3, remaining: 0, resetAt: NOW + 2_000 }, { refusedForMs: 2_000 });
  assert.equal(limiter.waitMs("messages", NOW), 2_050);
  const next = NOW + 2_050;
  for (let n = 0; n < 3; n++) {
    assert.equal(limiter.waitMs("messages", next), 0);
    call(limiter, undefined, { now: next });
  }
  assert.equal(limiter.waitMs("messages", next), 2_000);
  assert.equal(limiter.waitMs("messages", next + 2_000), 0);
});

Deno.test("RateLimiter learns the length of windows from two of their ends", () => {
  const limiter = new RateLimiter();
  // 2.5 s were left of the first one, and 500 ms of the next, when we thought that it had ended.
  call(limiter, { limit: 1, remaining: 0, resetAt: NOW + 2_500 });
  call(limiter, { limit: 1, remaining: 0, resetAt: NOW + 5_500 }, { now: NOW + 5_060 });
  const next = NOW + 5_550;
  assert.equal(limiter.waitMs("messages", next), 0);
  call(limiter, undefined, { now: next });
  assert.equal(limiter.waitMs("messages", next), 3_000);
});

Deno.test("RateLimiter does not take two windows far apart for one", () => {
  const limiter = new RateLimiter();
  const hour = 3_600_000;
  call(limiter, { limit: 1, remaining: 0, resetAt: NOW + 2_500 });
  call(limiter, { limit: 1, remaining: 0, resetAt: NOW + hour + 2_500 }, { now: NOW + hour });
  const next = NOW + hour + 2_550;
  assert.equal(limiter.waitMs("messages", next), 0);
  call(limiter, undefined, { now: next });
  assert.equal(limiter.waitMs("messages", next), 2_500);
});

Deno.test("RateLimiter does not go by what a slow answer says of a window gone by", () => {
  const limiter = new RateLimiter();
  call(limiter, { ...SAID, remaining: 1, resetAt: NOW + 1_000 });
  const slow = limiter.begun("messages");
  const next = NOW + 1_050;
  assert.equal(limiter.waitMs("messages", next), 0);
  for (let n = 0; n < 58; n++) call(limiter, undefined, { now: next });
  const late = { ...SAID, remaining: 0, resetAt: NOW + 1_000 };
  limiter.ended("messages", slow, late, undefined, next);
  // Neither is this window closed, nor begun anew: 58 and the slow one of 60 are used up.
  assert.equal(limiter.waitMs("messages", next), 0);
  call(limiter, undefined, { now: next });
  assert.equal(limiter.waitMs("messages", next), 1_000);
});

Deno.test("RateLimiter.waitMs() is what Turn asked for, and a second if it did not", () => {
  for (const [asked, waits] of [[5_000, 5_050], [0, 1_050]] as const) {
    const limiter = new RateLimiter();
    call(limiter, undefined, { refusedForMs: asked });
    assert.equal(limiter.waitMs("messages", NOW), waits);
    assert.equal(limiter.waitMs("statuses", NOW), waits);
    assert.equal(limiter.waitMs("messages", NOW + waits), 0);
  }
});

Deno.test("RateLimiter does not let a later, shorter refusal shorten the first", () => {
  const limiter = new RateLimiter();
  call(limiter, undefined, { refusedForMs: 9_000 });
  call(limiter, undefined, { refusedForMs: 2_000 });
  assert.equal(limiter.waitMs("messages", NOW), 9_050);
});

Deno.test("RateLimiter keeps buckets apart that Turn names", () => {
  const limiter = new RateLimiter();
  const told = { ...SAID, remaining: 0 };
  call(limiter, { ...told, bucket: "text" });
  assert.equal(limiter.waitMs("messages", NOW), 60_050);
  assert.equal(limiter.waitMs("statuses", NOW), 0);
  call(limiter, { ...SAID, bucket: "status", remaining: 30 }, { resource: "statuses" });
  assert.deepEqual(limiter.known(), [
    { bucket: "text", limit: 60, left: 0, resetAt: SAID.resetAt },
    { bucket: "status", limit: 60, left: 30, resetAt: SAID.resetAt },
  ]);
});

Deno.test("RateLimiter takes messages and statuses from one bucket when Turn names none", () => {
  const limiter = new RateLimiter();
  call(limiter, { ...SAID, remaining: 0 });
  assert.equal(limiter.waitMs("statuses", NOW), 60_050);
});

Deno.test("RateLimiter keeps a share from statuses for messages, less as the window ends", () => {
  const limiter = new RateLimiter();
  call(limiter, { ...SAID, remaining: 15 });
  assert.equal(limiter.waitMs("messages", NOW), 0);
  assert.equal(limiter.waitMs("statuses", NOW), 500);
  assert.equal(limiter.waitMs("statuses", NOW + 30_000), 0);
  call(limiter, { ...SAID, remaining: 7 });
  assert.equal(limiter.waitMs("statuses", NOW + 30_000), 500);
  assert.equal(limiter.waitMs("statuses", NOW + 59_900), 0);
});

Deno.test("RateLimiter lets every call through in finite time, whatever Turn says", () => {
  const number = fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined });
  const limit = fc.option(
    fc.record({
      bucket: fc.constantFrom(undefined, undefined, "a", "b"),
      limit: number,
      remaining: number,
      resetAt: fc.option(fc.integer({ min: -600_000, max: 600_000 }), { nil: undefined }),
    }),
    { nil: undefined },
  );
  const step = fc.record({
    limit,
    resource: fc.constantFrom<Resource>("messages", "statuses"),
    refusedForMs: fc.option(fc.integer({ min: 0, max: 600_000 }), { nil: undefined }),
    stepMs: fc.integer({ min: 0, max: 30_000 }),
    isMade: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
    const limiter = new RateLimiter();
    let now = NOW;
    for (const { limit, resource, refusedForMs, stepMs, isMade } of steps) {
      const bucket = limiter.begun(resource);
      now += stepMs;
      const told = limit && { ...limit, resetAt: limit.resetAt && now + limit.resetAt };
      if (isMade) limiter.ended(resource, bucket, told, refusedForMs, now);
      else limiter.notMade(bucket);
    }
    for (const resource of ["messages", "statuses"] as const) {
      let time = now;
      for (let waitMs = 1; waitMs > 0; time += waitMs) {
        waitMs = limiter.waitMs(resource, time);
        assert.ok(waitMs >= 0 && time < now + 1_300_000, `not through after ${time - now} ms`);
      }
    }
  }));
});

/** Shares of a window. */
const latencies = fc.constantFrom([0.0005, 0.002], [0.005, 0.03], [0.01, 0.1]);
const windows = fc.constantFrom([30, 3_000], [60, 60_000], [20, 10_000], [100, 60_000]);

for (const headers of ["all", "refusals"] as const) {
  for (const bucket of [undefined, "text"]) {
    const label = `the limit in ${headers}, bucket ${bucket}`;
    Deno.test(`RateLimiter hardly ever makes Turn refuse, 20 calls at once, ${label}`, () => {
      fc.assert(
        fc.property(windows, latencies, fc.boolean(), (window, latency, isMixed) => {
          const [limit = 0, windowMs = 0] = window;
          const [least = 0, most = 0] = latency;
          let n = 0;
          const calls = Array.from(
            { length: 20 * limit },
            (_, n): Resource => isMixed && n % 3 > 0 ? "statuses" : "messages",
          );
          const came = simulate({
            limit,
            windowMs,
            headers,
            ...(bucket === undefined ? {} : { bucket }),
            latency: () => windowMs * (least + (n = (n * 31 + 17) % 101) / 100 * (most - least)),
            concurrency: 20,
            calls,
          });
          assert.equal(came.delivered, calls.length);
          // Until it knows it, at the beginning: what is under way is refused.
          const share = came.limited / calls.length;
          const most429 = headers === "all" && bucket === undefined ? 0 : 3 * 20;
          assert.ok(came.limited <= most429, `${came.limited} refused, ${share}`);
          // And it does not dawdle: an ideal one takes 20 windows, less what the first had left.
          assert.ok(came.windows < 30, `took ${came.windows} windows`);
        }),
        { numRuns: 50 },
      );
    });
  }
}

Deno.test("RateLimiter sends statuses in the time that messages leave, and does not starve them", () => {
  const calls = Array.from({ length: 300 }, (_, n): Resource => n < 200 ? "statuses" : "messages");
  const came = simulate({
    limit: 30,
    windowMs: 3_000,
    headers: "all",
    latency: () => 50,
    concurrency: 20,
    calls,
  });
  assert.deepEqual(came.order.slice(0, 100), Array<Resource>(100).fill("messages"));
  assert.equal(came.delivered, 300);
});
