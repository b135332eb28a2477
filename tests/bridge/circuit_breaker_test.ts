import assert from "node:assert/strict";
import fc from "fast-check";
import { CircuitBreaker, type Sign } from "../../src/bridge/circuit_breaker.ts";

/** A breaker that has taken these, one every `stepMs`, and the time after them. */
function after(signs: readonly Sign[], stepMs = 0): { breaker: CircuitBreaker; now: number } {
  const breaker = new CircuitBreaker();
  let now = 1_000_000;
  for (const sign of signs) breaker.record(sign, breaker.epoch, now += stepMs);
  return { breaker, now };
}

/** `works` calls that work and then `fails` that don't. */
function calls(works: number, fails: number): Sign[] {
  return [...Array<Sign>(works).fill("works"), ...Array<Sign>(fails).fill("fails")];
}

/** `count` calls of which `fails` don't work, spread evenly after fifty that did. */
function mixed(count: number, fails: number): Sign[] {
  const spread = Array.from({ length: count }, (_, n): Sign => {
    return Math.floor((n + 1) * fails / count) > Math.floor(n * fails / count) ? "fails" : "works";
  });
  return [...calls(50, 0), ...spread];
}

const CASES: readonly [string, Sign[], "open" | "closed"][] = [
  ["nothing", [], "closed"],
  ["9 of 9 failed", calls(0, 9), "closed"],
  ["10 of 10 failed", calls(0, 10), "open"],
  ["7 of 10 failed", calls(3, 7), "open"],
  ["6 of 10 failed", calls(4, 6), "closed"],
  ["34 of 49 failed", mixed(49, 34), "closed"],
  ["35 of the last 50 failed", mixed(50, 35), "open"],
  ["34 of the last 50 failed", mixed(50, 34), "closed"],
  ["10 in a row failed after many that worked", calls(100, 10), "open"],
  ["9 in a row failed after many that worked", calls(100, 9), "closed"],
  ["4 unreachable in a row", Array<Sign>(4).fill("unreachable"), "closed"],
  ["5 unreachable in a row", Array<Sign>(5).fill("unreachable"), "open"],
  ["5 unreachable after many that worked", [
    ...calls(100, 0),
    ...Array<Sign>(5).fill("unreachable"),
  ], "open"],
  ["5 unreachable, an answer between", [
    ...Array<Sign>(4).fill("unreachable"),
    "works",
    "unreachable",
  ], "closed"],
  ["5 unreachable, a failure between", [
    ...Array<Sign>(4).fill("unreachable"),
    "fails",
    "unreachable",
  ], "closed"],
];

for (const [label, signs, state] of CASES) {
  Deno.test(`CircuitBreaker is ${state} after ${label}`, () => {
    assert.equal(after(signs).breaker.state, state);
  });
}

Deno.test("CircuitBreaker is not opened by a call that works", () => {
  const { breaker, now } = after(calls(0, 9));
  breaker.record("works", breaker.epoch, now);
  assert.equal(breaker.state, "closed");
  breaker.record("fails", breaker.epoch, now);
  assert.equal(breaker.state, "open");
});

Deno.test("CircuitBreaker looks at the last 30 s only, sliding", () => {
  // One failure every 3.4 s: never ten of them in 30 s.
  assert.equal(after(calls(0, 1000), 3_400).breaker.state, "closed");
  assert.equal(after(calls(0, 1000), 2_900).breaker.state, "open");
  // What worked before that time does not help.
  const { breaker, now } = after(calls(20, 0));
  for (const sign of calls(3, 7)) breaker.record(sign, breaker.epoch, now + 30_000);
  assert.equal(breaker.state, "open");
  const late = after(calls(20, 0));
  for (const sign of calls(3, 7)) late.breaker.record(sign, late.breaker.epoch, late.now + 29_999);
  assert.equal(late.breaker.state, "closed");
});

Deno.test("CircuitBreaker stays closed for one message that fails among others that don't", () => {
  const signs = Array.from({ length: 3_000 }, (_, n): Sign => n % 3 === 0 ? "works" : "fails");
  assert.equal(after(signs, 100).breaker.state, "closed");
});

Deno.test("CircuitBreaker waits 1, 2, 4 ... 60 s between probes, and 1 s again after a success", () => {
  const { breaker, now } = after(calls(0, 10));
  const pauses = [];
  let time = now;
  for (let n = 0; n < 8; n++) {
    pauses.push(breaker.probeAt - time);
    time = breaker.probeAt;
    breaker.probe();
    assert.equal(breaker.state, "half-open");
    assert.equal(breaker.probeAt, Infinity);
    breaker.record("fails", breaker.epoch, time);
    assert.equal(breaker.state, "open");
  }
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000));
  breaker.probe();
  breaker.record("works", breaker.epoch, time);
  assert.equal(breaker.state, "closed");
  for (let n = 0; n < 9; n++) breaker.record("fails", breaker.epoch, time);
  assert.equal(breaker.state, "closed"); // What was before is forgotten.
  breaker.record("fails", breaker.epoch, time);
  assert.equal(breaker.probeAt, time + 1000);
});

Deno.test("CircuitBreaker does not count calls begun before it opened, whenever they end", () => {
  const { breaker, now } = after(calls(0, 10));
  const old = breaker.epoch - 1;
  const { probeAt } = breaker;
  breaker.record("works", old, now);
  breaker.record("fails", old, now);
  assert.deepEqual([breaker.state, breaker.probeAt], ["open", probeAt]);
  breaker.probe();
  breaker.record("works", old, now);
  breaker.record("fails", old, now);
  assert.equal(breaker.state, "half-open");
  breaker.record("works", breaker.epoch, now);
  for (let n = 0; n < 20; n++) breaker.record("unreachable", old, now);
  assert.equal(breaker.state, "closed");
});

Deno.test("CircuitBreaker opens exactly when 70 % of 10 in 30 s, the last 10, or 5 unreachable say so", () => {
  const sign = fc.constantFrom<Sign>("works", "fails", "fails", "unreachable");
  const call = fc.tuple(sign, fc.integer({ min: 0, max: 8_000 }));
  fc.assert(fc.property(fc.array(call, { maxLength: 120 }), (made) => {
    const breaker = new CircuitBreaker();
    const past: { sign: Sign; at: number }[] = [];
    let now = 0;
    for (const [sign, stepMs] of made) {
      now += stepMs;
      breaker.record(sign, breaker.epoch, now);
      past.push({ sign, at: now });
      const seen = past.slice(-50).filter(({ at }) => at > now - 30_000);
      const failed = seen.filter((one) => one.sign !== "works").length;
      const isMost = seen.length >= 10 && failed >= 0.7 * seen.length;
      const isEnd = seen.length >= 10 && seen.slice(-10).every((one) => one.sign !== "works");
      const isCut = past.length >= 5 && past.slice(-5).every((one) => one.sign === "unreachable");
      const isOpen = sign !== "works" && (isMost || isEnd || isCut);
      assert.equal(breaker.state, isOpen ? "open" : "closed");
      if (isOpen) return;
    }
  }));
});
