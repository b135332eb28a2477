import assert from "node:assert/strict";
import fc from "fast-check";
import { CircuitBreaker, type Sign } from "../../src/bridge/circuit_breaker.ts";

/** A call: how it ended, and what it was about; by itself about a message of its own. */
type Call = Sign | readonly [Sign, string];

/** A breaker, and calls that end at once. */
class Calls {
  readonly breaker = new CircuitBreaker();
  now = 1_000_000;
  #count = 0;

  /** Lets these end, one every `stepMs`. */
  make(calls: readonly Call[], stepMs = 0, awayMs = 0): this {
    for (const call of calls) {
      this.now += stepMs;
      const [sign, id] = typeof call === "string" ? [call, `m${this.#count++}`] as const : call;
      const { epoch } = this.breaker;
      this.breaker.record(sign, { id, epoch, since: this.now }, this.now, awayMs);
    }
    return this;
  }

  /** Waits for the next probe, which ends so. Answers how long that took. */
  probe(call: Call, awayMs = 0): number {
    const pauseMs = this.breaker.probeAt - this.now;
    this.now = this.breaker.probeAt;
    this.breaker.probe();
    assert.deepEqual([this.breaker.state, this.breaker.probeAt], ["half-open", Infinity]);
    this.make([call], 0, awayMs);
    return pauseMs;
  }
}

/** `works` calls that work and then `fails` that don't. */
function calls(works: number, fails: number): Sign[] {
  return [...Array<Sign>(works).fill("works"), ...Array<Sign>(fails).fill("fails")];
}

/** Four of five fail, so often: never five in a row. */
function mostFail(times: number): Sign[] {
  return Array(times).fill(calls(1, 4)).flat();
}

const CASES: readonly [string, Sign[], "open" | "closed"][] = [
  ["nothing", [], "closed"],
  ["4 of 4 failed", calls(0, 4), "closed"],
  ["5 of 5 failed", calls(0, 5), "open"],
  ["5 in a row failed after many that worked", calls(100, 5), "open"],
  ["4 in a row failed after many that worked", calls(100, 4), "closed"],
  ["5 in a row failed, each in its way", ["fails", "away", "fails", "away", "fails"], "open"],
  ["5 failed, one between that worked", [...calls(0, 4), "works", "fails"], "closed"],
  ["7 of 9 failed", ["fails", ...mostFail(2).slice(0, 8)], "closed"],
  ["8 of 10 failed", mostFail(2), "open"],
  ["6 of 10 failed", Array(5).fill(["works", "fails"]).flat().concat("fails"), "closed"],
  ["34 of the last 50 failed", [...calls(50, 0), ...mostFail(8), ...calls(8, 2)], "closed"],
];

for (const [label, signs, state] of CASES) {
  Deno.test(`CircuitBreaker is ${state} after ${label}`, () => {
    assert.equal(new Calls().make(signs).breaker.state, state);
  });
}

Deno.test("CircuitBreaker opens after 5 failures in a row however far apart they are", () => {
  const test = new Calls().make(calls(9, 4), 3_600_000);
  assert.equal(test.breaker.state, "closed");
  assert.equal(test.make(["fails"], 3_600_000).breaker.state, "open");
});

Deno.test("CircuitBreaker looks for a share at the last 30 s only, sliding", () => {
  assert.equal(new Calls().make(mostFail(20), 3_400).breaker.state, "closed");
  assert.equal(new Calls().make(mostFail(20), 2_900).breaker.state, "open");
});

Deno.test("CircuitBreaker stays closed for one message that fails among others that don't", () => {
  const signs = Array.from({ length: 3_000 }, (_, n): Sign => n % 3 === 0 ? "works" : "fails");
  assert.equal(new Calls().make(signs, 100).breaker.state, "closed");
});

Deno.test("CircuitBreaker waits 1, 2, 4 ... 10 s between probes, and 1 s again after a success", () => {
  const test = new Calls().make(calls(0, 5));
  const pauses = Array.from({ length: 7 }, () => test.probe("fails"));
  assert.deepEqual(pauses, [1, 2, 4, 8, 10, 10, 10].map((seconds) => seconds * 1000));
  test.probe("works");
  assert.deepEqual([test.breaker.state, test.breaker.probeAt], ["closed", Infinity]);
  test.make(calls(0, 4));
  assert.equal(test.breaker.state, "closed"); // What was before is forgotten.
  test.make(["fails"]);
  assert.equal(test.breaker.probeAt, test.now + 1000);
});

Deno.test("CircuitBreaker counts a pause from when the call began, and waits a second at least", () => {
  const { breaker, now } = new Calls().make(calls(0, 5));
  const hang = (beganMs: number) => {
    breaker.probe();
    breaker.record("fails", { id: "x", epoch: breaker.epoch, since: now }, now + beganMs);
    return breaker.probeAt - (now + beganMs);
  };
  // The pauses would be 2, 4, 8 and 10 s.
  assert.deepEqual([500, 0, 4_000, 10_000].map(hang), [1_500, 4_000, 4_000, 1_000]);
});

Deno.test("CircuitBreaker opens at once when Turn says that it is away, for 10 s at most", () => {
  const test = new Calls().make([...calls(100, 0), "away"], 0, 3_000);
  assert.equal(test.breaker.state, "open");
  assert.deepEqual([test.probe("away", 600_000), test.probe("fails"), test.probe("works")], [
    3_000,
    10_000,
    10_000,
  ]);
  // A second that is asked for again and again grows all the same.
  test.make(["away"], 0, 500);
  const pauses = Array.from({ length: 5 }, () => test.probe("away", 500));
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 10_000]);
});

Deno.test("CircuitBreaker knows which one it is in doubt about, and lets another show it soon", () => {
  const test = new Calls().make(["works", ...Array<Call>(4).fill(["fails", "a"])], 60_000);
  assert.equal(test.breaker.freshAt, Infinity);
  test.make([["fails", "a"]], 60_000);
  const { breaker } = test;
  assert.deepEqual([breaker.state, breaker.isAlone("a"), breaker.isAlone("b")], [
    "open",
    true,
    false,
  ]);
  for (let n = 0; n < 5; n++) test.probe(["fails", "a"]);
  assert.deepEqual([breaker.freshAt - test.now, breaker.probeAt - test.now], [1_000, 10_000]);
  // Another one fails: it is Turn.
  test.probe(["fails", "b"]);
  assert.deepEqual([breaker.isAlone("a"), breaker.isAlone("b")], [false, false]);
  assert.deepEqual([breaker.hasFailed("b"), breaker.hasFailed("c")], [true, false]);
  assert.equal(breaker.freshAt, breaker.probeAt);
  test.probe(["works", "c"]);
  assert.deepEqual([breaker.hasFailed("a"), breaker.isAlone("a")], [false, false]);
});

Deno.test("CircuitBreaker is in no doubt about one that fails for what fails all", () => {
  const { breaker } = new Calls().make(Array<Call>(5).fill(["away", "a"]));
  assert.deepEqual([breaker.state, breaker.freshAt], ["open", breaker.probeAt]);
});

Deno.test("CircuitBreaker is in no doubt when most calls failed, though one came through just now", () => {
  const { breaker } = new Calls().make([...mostFail(2).slice(0, 9), "works", ["fails", "a"]]);
  assert.deepEqual([breaker.state, breaker.isAlone("a")], ["open", false]);
});

Deno.test("CircuitBreaker does not count calls begun before it opened, whenever they end", () => {
  const test = new Calls().make(calls(0, 5));
  const { breaker, now } = test;
  const old = { id: "old", epoch: breaker.epoch - 1, since: now };
  const { probeAt } = breaker;
  breaker.record("works", old, now);
  breaker.record("fails", old, now);
  assert.deepEqual([breaker.state, breaker.probeAt], ["open", probeAt]);
  breaker.probe();
  breaker.record("works", old, now);
  breaker.record("fails", old, now);
  assert.equal(breaker.state, "half-open");
  test.make(["works"]);
  for (let n = 0; n < 20; n++) breaker.record("away", old, now, 60_000);
  assert.equal(breaker.state, "closed");
});

Deno.test("CircuitBreaker opens exactly when the last 5, or 70 % of 10 in 30 s, say so", () => {
  const sign = fc.constantFrom<Sign>("works", "fails", "fails", "away");
  const call = fc.tuple(sign, fc.integer({ min: 0, max: 8_000 }));
  fc.assert(fc.property(fc.array(call, { maxLength: 120 }), (made) => {
    const test = new Calls();
    const past: { sign: Sign; at: number }[] = [];
    for (const [sign, stepMs] of made) {
      test.make([sign], stepMs);
      past.push({ sign, at: test.now });
      const seen = past.slice(-50).filter(({ at }) => at > test.now - 30_000);
      const failed = seen.filter((one) => one.sign !== "works").length;
      const isMost = seen.length >= 10 && failed >= 0.7 * seen.length;
      const isEnd = past.length >= 5 && past.slice(-5).every((one) => one.sign !== "works");
      const isOpen = sign !== "works" && (isMost || isEnd);
      assert.equal(test.breaker.state, isOpen ? "open" : "closed");
      if (isOpen) return;
    }
  }));
});
