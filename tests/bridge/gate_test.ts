import assert from "node:assert/strict";
import { type Pass, TurnGate } from "../../src/bridge/gate.ts";
import type { Resource } from "../../src/bridge/pacer.ts";
import { Metrics } from "../../src/telemetry/mod.ts";
import type { Delivery } from "../../src/turn/mod.ts";
import { until } from "../support/until.ts";
import { settle } from "./support.ts";

const DELIVERED: Delivery = { kind: "delivered", status: 200 };
const FAILED = { kind: "retry", reason: "Turn answered 500", afterMs: 0 } as const;
const DOWN: Delivery = { ...FAILED, fault: "turn" };
const UNREACHABLE: Delivery = { ...FAILED, fault: "unreachable" };
const REFUSED: Delivery = { kind: "refused", reason: "Turn answered 400", status: 400 };

/** A gate on a clock that the test sets, and what it told the queues. */
class TestGate implements Disposable {
  now = 1_786_331_000_000;
  /** `pause` and `resume`, in order. */
  readonly told: string[] = [];
  /** Ends pausing; at once, unless the test takes it over. */
  pausing: Promise<void> = Promise.resolve();
  readonly gate: TurnGate;

  constructor(concurrency = 2, metrics = new Metrics()) {
    this.gate = new TurnGate({
      connector: "c",
      concurrency,
      metrics,
      pause: () => {
        this.told.push("pause");
        return this.pausing;
      },
      resume: () => void this.told.push("resume"),
      now: () => this.now,
    });
  }

  /** Enters; the answer is looked at later. */
  enter(id: string, resource: Resource = "messages"): Entry {
    return new Entry(this.gate, resource, id);
  }

  /** Lets a call begin and end so. */
  async call(delivery: Delivery, id = "x"): Promise<void> {
    this.gate.leave(await this.enter(id).pass(), delivery);
  }

  /** Makes Turn look down: it can't be reached. Leaves a call under way whose end looks for work. */
  async takeDown(): Promise<Pass> {
    const late = await this.enter("late").pass();
    for (let n = 0; n < 5; n++) await this.call(UNREACHABLE);
    await settle();
    return late;
  }

  [Symbol.dispose](): void {
    this.gate.stop();
  }
}

/** One that waits at a gate. */
class Entry {
  answer: Pass | "waits" | "put back" = "waits";
  readonly #answered: Promise<void>;

  constructor(gate: TurnGate, resource: Resource, id: string) {
    this.#answered = gate.enter(resource, id).then((pass) => {
      this.answer = pass ?? "put back";
    });
  }

  /** The pass, when it comes. */
  async pass(): Promise<Pass> {
    await this.#answered;
    assert.ok(typeof this.answer !== "string", `${this.answer}`);
    return this.answer;
  }
}

/** Who is through, who waits and who was put back. */
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
  const limited: Delivery = {
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
  test.now += 1_050;
  await until("the pass", () => message.answer !== "waits");
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

Deno.test("TurnGate lets nothing through while Turn is down, and puts back when the queues rest", async () => {
  using test = new TestGate(1);
  const { promise: pausing, resolve: paused } = Promise.withResolvers<void>();
  test.pausing = pausing;
  for (let n = 0; n < 5; n++) await test.call(UNREACHABLE);
  const early = test.enter("early");
  assert.deepEqual(test.told, ["pause"]);
  assert.equal(test.gate.status().breaker, "open");
  // Put back now it would come again at once.
  assert.deepEqual(await answers(early), ["waits"]);
  paused();
  assert.deepEqual(await answers(early), ["put back"]);
  assert.deepEqual(await answers(test.enter("late")), ["put back"]);
});

Deno.test("TurnGate opens the queues for one call after a pause, and for all when it comes through", async () => {
  using test = new TestGate();
  const late = await test.takeDown();
  test.now += 999;
  test.gate.leave(late, undefined);
  assert.deepEqual(test.told, ["pause"]);
  assert.deepEqual(await answers(test.enter("a")), ["put back"]);
  test.now += 1;
  await until("the probe", () => test.told.includes("resume"));
  const [a, b, c] = [test.enter("a"), test.enter("b", "statuses"), test.enter("c")];
  assert.deepEqual(await answers(a, b, c), ["through", "waits", "waits"]);
  assert.equal(test.gate.status().breaker, "half-open");
  const probe = await a.pass();
  assert.equal(probe.isProbe, true);
  test.gate.leave(probe, DELIVERED);
  assert.deepEqual(await answers(b, c), ["through", "through"]);
  assert.equal(test.gate.status().breaker, "closed");
  assert.deepEqual(test.told, ["pause", "resume"]);
});

Deno.test("TurnGate pauses no longer when the clock is set back", async () => {
  using test = new TestGate();
  const passes = (ms: number): boolean => (test.now += ms) > 0;
  test.gate.leave(await test.takeDown(), undefined);
  test.now -= 3_600_000;
  await until("the probe", () => passes(50) && test.told.length === 2);
  const limited = { kind: "limited", reason: "", status: 429, afterMs: 500 } as const;
  test.gate.leave(await test.enter("a").pass(), limited);
  const held = test.enter("b");
  test.now -= 3_600_000;
  assert.deepEqual(await answers(held), ["waits"]);
  await until("the call", () => passes(50) && test.gate.waiting("messages") === 0);
});

Deno.test("TurnGate goes on when a message is refused: a Turn that answers works", async () => {
  using test = new TestGate();
  const late = await test.takeDown();
  test.now += 1_000;
  test.gate.leave(late, undefined);
  test.gate.leave(await test.enter("a").pass(), REFUSED);
  assert.equal(test.gate.status().breaker, "closed");
  assert.equal(test.gate.status().lastSuccess, undefined);
});

Deno.test("TurnGate pauses again after a probe in vain, twice as long", async () => {
  using test = new TestGate();
  let late = await test.takeDown();
  test.now += 1_000;
  test.gate.leave(late, undefined);
  const probe = test.enter("a"), other = test.enter("b");
  test.gate.leave(await probe.pass(), DOWN);
  assert.deepEqual(await answers(other), ["put back"]);
  assert.deepEqual(test.told, ["pause", "resume", "pause"]);
  test.now += 1_999;
  await settle();
  assert.equal(test.gate.status().breaker, "open");
  test.now += 1;
  await until("the probe", () => test.told.length === 4);
  late = await test.enter("b").pass();
  assert.equal(late.isProbe, true);
});

Deno.test("TurnGate probes with another message when it can, as one may fail by itself", async () => {
  using test = new TestGate();
  const late = await test.takeDown();
  test.now += 1_000;
  test.gate.leave(late, undefined);
  test.gate.leave(await test.enter("a").pass(), DOWN);
  await settle();
  test.now += 2_000;
  await until("the probe", () => test.told.length === 4);
  const a = test.enter("a");
  assert.deepEqual(await answers(a), ["waits"]);
  const b = test.enter("b", "statuses");
  assert.deepEqual(await answers(a, b), ["waits", "through"]);
});

Deno.test("TurnGate probes with the same message when no other comes", async () => {
  using test = new TestGate();
  const late = await test.takeDown();
  test.now += 1_000;
  test.gate.leave(late, undefined);
  test.gate.leave(await test.enter("a").pass(), DOWN);
  await settle();
  test.now += 2_000;
  await until("the probe", () => test.told.length === 4);
  const a = test.enter("a");
  assert.deepEqual(await answers(a), ["waits"]);
  test.now += 200;
  await until("the probe", () => a.answer !== "waits");
  assert.equal((await a.pass()).isProbe, true);
});

Deno.test("TurnGate probes with the next one when a probe was not made after all", async () => {
  using test = new TestGate();
  const late = await test.takeDown();
  test.now += 1_000;
  test.gate.leave(late, undefined);
  const a = test.enter("a"), b = test.enter("b");
  assert.deepEqual(await answers(a, b), ["through", "waits"]);
  test.gate.leave(await a.pass(), undefined);
  assert.deepEqual(await answers(b), ["through"]);
  assert.equal((await b.pass()).isProbe, true);
});

Deno.test("TurnGate does not go by calls from before Turn was down, whenever they end", async () => {
  using test = new TestGate(100);
  const old = [];
  for (let n = 0; n < 30; n++) old.push(await test.enter(`${n}`).pass());
  const late = await test.takeDown();
  for (const pass of old.slice(0, 10)) test.gate.leave(pass, DELIVERED);
  assert.equal(test.gate.status().breaker, "open");
  test.now += 1_000;
  test.gate.leave(late, undefined);
  test.gate.leave(await test.enter("a").pass(), DELIVERED);
  for (const pass of old.slice(10)) test.gate.leave(pass, UNREACHABLE);
  assert.equal(test.gate.status().breaker, "closed");
});

Deno.test("TurnGate puts back what has waited for five minutes", async () => {
  using test = new TestGate(1);
  const call = await test.enter("a").pass();
  const early = test.enter("b");
  test.now += 60_000;
  const late = test.enter("c");
  assert.deepEqual(await answers(early, late), ["waits", "waits"]);
  test.now += 240_000;
  const last = test.enter("d");
  assert.deepEqual(await answers(early, late, last), ["put back", "waits", "waits"]);
  test.gate.leave(call, DELIVERED);
  assert.deepEqual(await answers(late), ["through"]);
});

Deno.test("TurnGate puts everything back when it is stopped, and lets nothing more through", async () => {
  using test = new TestGate(1);
  const pass = await test.enter("a").pass();
  const waiting = test.enter("b"), status = test.enter("c", "statuses");
  const another = test.enter("d", "statuses");
  test.gate.stop();
  assert.deepEqual(await answers(waiting, status, another), ["put back", "through", "put back"]);
  test.gate.leave(pass, DELIVERED);
  assert.deepEqual(await answers(test.enter("e")), ["put back"]);
});

Deno.test("TurnGate can be stopped while the queues are being paused", async () => {
  using test = new TestGate();
  const { promise: pausing, resolve: paused } = Promise.withResolvers<void>();
  test.pausing = pausing;
  for (let n = 0; n < 5; n++) await test.call(UNREACHABLE);
  test.gate.stop();
  paused();
  await settle();
  assert.deepEqual(test.told, ["pause"]);
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
  assert.deepEqual(limits.find(({ bucket }) => bucket === "b"), { bucket: "b", limit: 1, left: 0 });
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

Deno.test("TurnGate counts calls by their answer, and how often Turn was down", async () => {
  const metrics = new Metrics();
  using test = new TestGate(2, metrics);
  const pass = await test.enter("1", "statuses").pass();
  test.now += 2_000;
  test.gate.leave(pass, DELIVERED);
  await test.takeDown();
  const text = await metrics.text();
  const labels = 'resource="statuses",class="2xx"';
  assert.ok(text.includes(`turn_channels_turn_call_seconds_sum{${labels}} 2\n`), text);
  assert.match(text, /^turn_channels_turn_answers_total{resource="messages",status="none"} 5$/m);
  assert.match(text, /^turn_channels_turn_breaker_opened_total 1$/m);
});
