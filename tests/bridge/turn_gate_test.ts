import assert from "node:assert/strict";
import { type Leaving, type Pass, TurnGate } from "../../src/bridge/turn_gate.ts";
import type { Resource } from "../../src/bridge/rate_limiter.ts";
import { MetricsRegistry } from "../../src/telemetry/mod.ts";
import type { CallResult } from "../../src/turn/mod.ts";
import { TestClock } from "./clock.ts";
import { settle } from "./support.ts";

const DELIVERED: CallResult = { kind: "delivered", status: 200 };
const FAILED = { kind: "retry", reason: "Turn answered 500", afterMs: 0 } as const;
const DOWN: CallResult = { ...FAILED, fault: "turn" };
const UNREACHABLE: CallResult = { ...FAILED, fault: "unreachable" };
const AWAY: CallResult = { ...FAILED, fault: "unavailable", afterMs: 600_000 };
const OURS: CallResult = { ...FAILED, fault: "ours" };
const REFUSED: CallResult = { kind: "refused", reason: "Turn answered 400", status: 400 };

/** A gate on a clock that the test sets. */
class TestGate implements Disposable {
  readonly clock = new TestClock(1_786_331_000_000);
  /** How far the time of day is set back. */
  setBackMs = 0;
  readonly gate: TurnGate;

  constructor(concurrency = 2, metrics = new MetricsRegistry().channel("c")) {
    const { after, elapsed } = this.clock;
    const times = { after, elapsed, now: () => elapsed() - this.setBackMs };
    this.gate = new TurnGate({ connector: "c", concurrency, metrics, ...times });
  }

  get now(): number {
    return this.clock.now;
  }

  set now(now: number) {
    this.clock.now = now;
  }

  /** Enters; the answer is looked at later. */
  enter(id: string, resource: Resource = "messages", held?: Leaving): Entry {
    return new Entry(this.gate, resource, id, held);
  }

  /** Lets a call begin and end so; the message may have failed before. */
  async call(delivery: CallResult, id = "x", failedAt?: number): Promise<void> {
    this.gate.leave(await this.enter(id).pass(), delivery, failedAt);
  }

  /** Makes Turn look down: it can't be reached. */
  async takeDown(): Promise<void> {
    for (let n = 0; n < 5; n++) await this.call(UNREACHABLE);
  }

  [Symbol.dispose](): void {
    this.gate.stop();
  }
}

/** One that waits at a gate. */
class Entry {
  answer: Pass | "waits" | "left" = "waits";
  readonly #answered: Promise<void>;

  constructor(gate: TurnGate, resource: Resource, id: string, held: Leaving | undefined) {
    this.#answered = gate.enter(resource, id, held).then((pass) => {
      this.answer = pass ?? "left";
    });
  }

  /** The pass, when it comes. */
  async pass(): Promise<Pass> {
    await this.#answered;
    assert.ok(typeof this.answer !== "string", `${this.answer}`);
    return this.answer;
  }
}

/** Who is through, who waits and who has left. */
async function answers(...entries: Entry[]): Promise<string[]> {
  await settle();
  return entries.map(({ answer }) => typeof answer === "string" ? answer : "through");
}

Deno.test("TurnGate lets through as many as may be called at once, of each resource", async () => {
  using test = new TestGate(2);
  const messages = ["a", "b", "c"].map((id) => test.enter(id));
  const statuses = ["d", "e", "f"].map((id) => test.enter(id, "statuses"));
  assert.deepEqual(await answers(...messages), ["through", "through", "waits"]);
  assert.deepEqual(await answers(...statuses), ["through", "through", "waits"]);
  assert.equal(test.gate.waiting("messages"), 1);
  const [first = assert.fail()] = messages;
  test.gate.leave(await first.pass(), DELIVERED);
  assert.deepEqual(await answers(...messages, ...statuses.slice(2)), [
    "through",
    "through",
    "through",
    "waits",
  ]);
  assert.equal(test.gate.status().lastSuccess, test.now);
});

Deno.test("TurnGate lets messages through before statuses when the rate limit ends", async () => {
  using test = new TestGate();
  const limited: CallResult = {
    kind: "limited",
    reason: "Turn answered 429",
    status: 429,
    afterMs: 10_000,
    rateLimit: { bucket: undefined, limit: 1, remaining: 0, resetAt: test.now + 10_000 },
  };
  const last = await test.enter("last").pass();
  await test.call(limited);
  const status = test.enter("s", "statuses");
  const message = test.enter("m");
  assert.deepEqual(await answers(status, message), ["waits", "waits"]);
  test.now += 10_050;
  test.gate.leave(last, undefined);
  assert.deepEqual(await answers(status, message), ["waits", "through"]);
});

Deno.test("TurnGate looks by itself when the rate limit has ended", async () => {
  using test = new TestGate();
  await test.call({ kind: "limited", reason: "", status: 429, afterMs: 1 });
  const message = test.enter("m");
  assert.deepEqual(await answers(message), ["waits"]);
  await test.clock.advance(1_050);
  assert.deepEqual(await answers(message), ["through"]);
});

Deno.test("TurnGate takes a call that was not made for none: neither counted nor judged", async () => {
  using test = new TestGate();
  const limit = { bucket: undefined, limit: 2, remaining: 1, resetAt: test.now + 60_000 };
  await test.call({ ...DELIVERED, rateLimit: limit });
  for (let n = 0; n < 20; n++) test.gate.leave(await test.enter("m").pass(), undefined);
  assert.equal(test.gate.status().breaker, "closed");
  assert.deepEqual(await answers(test.enter("a"), test.enter("b")), ["through", "waits"]);
});

Deno.test("TurnGate keeps all waiting while Turn is down, and makes one call after a pause", async () => {
  using test = new TestGate(4);
  await test.takeDown();
  const [a, b, c] = [test.enter("a"), test.enter("b", "statuses"), test.enter("c")];
  await test.clock.advance(999);
  assert.deepEqual(await answers(a, b, c), ["waits", "waits", "waits"]);
  assert.equal(test.gate.status().breaker, "open");
  await test.clock.advance(1);
  assert.deepEqual(await answers(a, b, c), ["through", "waits", "waits"]);
  assert.equal(test.gate.status().breaker, "half-open");
  const probe = await a.pass();
  assert.equal(probe.isProbe, true);
  test.gate.leave(probe, DELIVERED);
  assert.deepEqual(await answers(b, c), ["through", "through"]);
  assert.equal(test.gate.status().breaker, "closed");
});

Deno.test("TurnGate probes with the next one that comes, when none waits at the end of the pause", async () => {
  using test = new TestGate();
  await test.takeDown();
  await test.clock.advance(5_000);
  const a = test.enter("a", "statuses"), b = test.enter("b");
  assert.deepEqual(await answers(a, b), ["through", "waits"]);
  assert.equal((await a.pass()).isProbe, true);
});

Deno.test("TurnGate pauses no longer when the clock is set back", async () => {
  using test = new TestGate();
  await test.takeDown();
  const probe = test.enter("a");
  test.setBackMs = 3_600_000;
  // Whoever comes makes it look.
  assert.deepEqual(await answers(probe, test.enter("b")), ["waits", "waits"]);
  await test.clock.advance(1_000);
  assert.deepEqual(await answers(probe), ["through"]);
  const resetAt = test.now - test.setBackMs + 30_000;
  const rateLimit = { bucket: undefined, limit: 10, remaining: 0, resetAt };
  const limited = { kind: "limited", reason: "", status: 429, afterMs: 500, rateLimit } as const;
  test.gate.leave(await probe.pass(), limited);
  assert.equal(test.gate.figures().limits[0]?.resetAt, resetAt);
  const held = test.enter("c");
  test.setBackMs += 3_600_000;
  assert.deepEqual(await answers(held, test.enter("d")), ["waits", "waits"]);
  await test.clock.advance(30_049);
  assert.deepEqual(await answers(held), ["waits"]);
  await test.clock.advance(1);
  assert.deepEqual(await answers(held), ["through"]);
});

Deno.test("TurnGate goes on when a message is refused: a Turn that answers works", async () => {
  using test = new TestGate();
  await test.takeDown();
  await test.clock.advance(1_000);
  test.gate.leave(await test.enter("a").pass(), REFUSED);
  assert.equal(test.gate.status().breaker, "closed");
  assert.equal(test.gate.status().lastSuccess, undefined);
});

Deno.test("TurnGate pauses again after a probe in vain, twice as long, up to 10 s", async () => {
  using test = new TestGate();
  await test.takeDown();
  const waiting = ["a", "b", "c", "d", "e", "f", "g"].map((id) => test.enter(id));
  for (const seconds of [1, 2, 4, 8, 10, 10]) {
    await test.clock.advance(1000 * seconds - 1);
    assert.equal(test.gate.status().breaker, "open");
    await test.clock.advance(1);
    const probe = waiting.shift() ?? assert.fail();
    assert.deepEqual(await answers(probe, ...waiting), [
      "through",
      ...waiting.map(() => "waits"),
    ]);
    test.gate.leave(await probe.pass(), DOWN);
  }
});

Deno.test("TurnGate holds all calls when Turn says that it is away, and looks after 10 s", async () => {
  using test = new TestGate();
  await test.call(DELIVERED);
  await test.call(AWAY);
  assert.equal(test.gate.status().breaker, "open");
  const [a, b] = [test.enter("a"), test.enter("b", "statuses")];
  await test.clock.advance(9_999);
  assert.deepEqual(await answers(a, b), ["waits", "waits"]);
  await test.clock.advance(1);
  test.gate.leave(await a.pass(), DELIVERED);
  assert.deepEqual(await answers(b), ["through"]);
});

Deno.test("TurnGate takes 5 failures in a row for a Turn that is down, however far apart", async () => {
  using test = new TestGate();
  for (let n = 0; n < 5; n++) {
    assert.equal(test.gate.status().breaker, "closed");
    await test.clock.advance(34_000);
    await test.call(DOWN, `${n}`);
  }
  assert.deepEqual([test.gate.status().breaker, test.gate.isInDoubt("4")], ["open", false]);
});

Deno.test("TurnGate blames a message for what it fails after another came through", async () => {
  using test = new TestGate();
  const failedAt = test.now;
  await test.call(DOWN, "a");
  await test.clock.advance(1_000);
  await test.call(DELIVERED, "b");
  assert.deepEqual([failedAt, test.now, undefined].map((at) => test.gate.hasDeliveredSince(at)), [
    true,
    false,
    false,
  ]);
  for (let n = 0; n < 20; n++) await test.call(DOWN, "a", failedAt);
  assert.equal(test.gate.status().breaker, "closed");
  // Nor does it help against what others fail; and what Turn says itself counts, whoever hears it.
  for (let n = 0; n < 4; n++) await test.call(DOWN, "c");
  await test.call(DOWN, "a", failedAt);
  assert.equal(test.gate.status().breaker, "closed");
  await test.call(DOWN, "c");
  assert.equal(test.gate.status().breaker, "open");
  using other = new TestGate();
  await other.call(DELIVERED, "b");
  await other.call(AWAY, "a", 0);
  assert.equal(other.gate.status().breaker, "open");
});

Deno.test("TurnGate lets another message show soon whether one is to blame", async () => {
  using test = new TestGate();
  for (const seconds of [0, 0, 0, 0, 0, 1, 2, 4]) {
    const a = test.enter("a");
    await test.clock.advance(1000 * seconds);
    test.gate.leave(await a.pass(), DOWN);
  }
  assert.equal(test.gate.isInDoubt("a"), true);
  const again = test.enter("a");
  await test.clock.advance(500);
  const other = test.enter("b", "statuses");
  await test.clock.advance(499);
  assert.deepEqual(await answers(again, other), ["waits", "waits"]);
  await test.clock.advance(1);
  assert.deepEqual(await answers(again, other), ["waits", "through"]);
  test.gate.leave(await other.pass(), DELIVERED);
  assert.equal(test.gate.status().breaker, "closed");
  assert.deepEqual(await answers(again), ["through"]);
});

Deno.test("TurnGate goes by no call that we could not make", async () => {
  using test = new TestGate();
  for (let n = 0; n < 20; n++) await test.call(OURS);
  assert.equal(test.gate.status().breaker, "closed");
  await test.takeDown();
  await test.clock.advance(1_000);
  await test.call(OURS);
  // Still one call to see.
  const [a, b] = [test.enter("a"), test.enter("b")];
  assert.deepEqual(await answers(a, b), ["through", "waits"]);
});

Deno.test("TurnGate probes with another message when it can, as one may fail by itself", async () => {
  using test = new TestGate();
  await test.takeDown();
  const a = test.enter("a"), status = test.enter("s", "statuses");
  await test.clock.advance(1_000);
  assert.deepEqual(await answers(a, status), ["through", "waits"]);
  test.gate.leave(await a.pass(), DOWN);
  const again = test.enter("a");
  await test.clock.advance(2_000);
  assert.deepEqual(await answers(again, status), ["waits", "through"]);
});

Deno.test("TurnGate probes with the same message when there is no other", async () => {
  using test = new TestGate();
  await test.takeDown();
  for (let n = 0; n < 3; n++) {
    const a = test.enter("a");
    await test.clock.advance(60_000);
    assert.deepEqual(await answers(a), ["through"]);
    assert.equal((await a.pass()).isProbe, true);
    test.gate.leave(await a.pass(), DOWN);
  }
});

Deno.test("TurnGate probes with the next one when a probe was not made after all", async () => {
  using test = new TestGate();
  await test.takeDown();
  const a = test.enter("a"), b = test.enter("b");
  await test.clock.advance(1_000);
  assert.deepEqual(await answers(a, b), ["through", "waits"]);
  test.gate.leave(await a.pass(), undefined);
  assert.deepEqual(await answers(b), ["through"]);
  assert.equal((await b.pass()).isProbe, true);
});

Deno.test("TurnGate does not go by calls from before Turn was down, whenever they end", async () => {
  using test = new TestGate(100);
  const old = [];
  for (let n = 0; n < 30; n++) old.push(await test.enter(`${n}`).pass());
  await test.takeDown();
  for (const pass of old.slice(0, 10)) test.gate.leave(pass, DELIVERED);
  assert.equal(test.gate.status().breaker, "open");
  await test.clock.advance(1_000);
  test.gate.leave(await test.enter("a").pass(), DELIVERED);
  for (const pass of old.slice(10)) test.gate.leave(pass, UNREACHABLE);
  assert.equal(test.gate.status().breaker, "closed");
});

Deno.test("TurnGate lets go whoever's time is over, and nobody else", async () => {
  using test = new TestGate(1);
  const call = await test.enter("a").pass();
  const [early, late] = [new AbortController(), new AbortController()];
  const leaving = ({ signal }: AbortController): Leaving => ({
    get isOver() {
      return signal.aborted;
    },
    over: signal,
  });
  const waiting = [early, late].map((one, n) => test.enter(`${n}`, "messages", leaving(one)));
  const last = test.enter("last");
  early.abort();
  assert.deepEqual(await answers(...waiting, last), ["left", "waits", "waits"]);
  assert.deepEqual(await answers(test.enter("b", "messages", leaving(early))), ["left"]);
  assert.equal(test.gate.waiting("messages"), 2);
  test.gate.leave(call, DELIVERED);
  assert.deepEqual(await answers(...waiting, last), ["left", "through", "waits"]);
  // It is through: its time no longer matters here.
  late.abort();
  assert.equal(test.gate.waiting("messages"), 1);
  assert.deepEqual(await answers(last), ["waits"]);
});

Deno.test("TurnGate lets everything go when it is stopped, and nothing more through", async () => {
  using test = new TestGate(1);
  const pass = await test.enter("a").pass();
  const waiting = test.enter("b"), status = test.enter("c", "statuses");
  const another = test.enter("d", "statuses");
  test.gate.stop();
  assert.deepEqual(await answers(waiting, status, another), ["left", "through", "left"]);
  test.gate.leave(pass, DELIVERED);
  assert.deepEqual(await answers(test.enter("e")), ["left"]);
});

Deno.test("TurnGate tells what is in flight, what waits, and how long the rate limit held it", async () => {
  using test = new TestGate();
  const rateLimit = { bucket: "b", limit: 1, remaining: 0, resetAt: test.now + 10_000 };
  const first = await test.enter("1").pass();
  test.gate.leave(first, { ...DELIVERED, rateLimit });
  const second = test.enter("2");
  assert.deepEqual(await answers(second), ["waits"]);
  test.now += 4_000;
  const { resources, limits, breaker } = test.gate.figures();
  assert.deepEqual(resources.messages, { inFlight: 0, waiting: 1, heldMs: 4_000 });
  assert.deepEqual(resources.statuses, { inFlight: 0, waiting: 0, heldMs: 0 });
  const { limit, left, resetAt } = limits.find(({ bucket }) => bucket === "b") ?? assert.fail();
  assert.deepEqual([limit, left, resetAt], [1, 0, rateLimit.resetAt]);
  assert.equal(breaker, "closed");
  // Something ends, so that it looks again.
  test.now += 6_100;
  const other = await test.enter("3", "statuses").pass();
  await second.pass();
  assert.deepEqual(test.gate.figures().resources.messages, {
    inFlight: 1,
    waiting: 0,
    heldMs: 10_100,
  });
  test.gate.leave(other, DELIVERED);
  test.now += 60_000;
  assert.equal(test.gate.figures().resources.messages.heldMs, 10_100, "nothing waits any more");
});

Deno.test("TurnGate knows whether it is the token that Turn refuses now", async () => {
  using test = new TestGate();
  for (let n = 0; n < 5; n++) await test.call({ ...UNREACHABLE, status: 401 });
  assert.deepEqual([test.gate.figures().breaker, test.gate.figures().refusesToken], ["open", true]);
  test.now += 10_000;
  await test.call({ ...DOWN, status: 503 });
  assert.deepEqual([test.gate.figures().breaker, test.gate.figures().refusesToken], [
    "open",
    false,
  ]);
});

Deno.test("TurnGate counts calls by their answer, and how often Turn was down", async () => {
  const metrics = new MetricsRegistry();
  using test = new TestGate(2, metrics.channel("c"));
  const pass = await test.enter("1", "statuses").pass();
  test.now += 2_000;
  test.gate.leave(pass, DELIVERED);
  await test.takeDown();
  const text = await metrics.text();
  const labels = 'resource="statuses",class="2xx",connector="c"';
  assert.ok(text.includes(`turn_channels_turn_call_seconds_sum{${labels}} 2\n`), text);
  assert.match(
    text,
    /^turn_channels_turn_answers_total{resource="messages",status="none",connector="c"} 5$/m,
  );
  assert.match(text, /^turn_channels_turn_breaker_opened_total{connector="c"} 1$/m);
});
