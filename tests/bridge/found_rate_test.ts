import assert from "node:assert/strict";
import { SmsPace } from "../../src/bridge/sms_pace.ts";

/** What an operator does with a message that comes then. */
type Operator = (at: number) => boolean;

/** So many in any second. */
function sliding(perSecond: number): Operator {
  const taken: number[] = [];
  return (at) => {
    const isTaken = taken.filter((each) => each > at - 1_000).length < perSecond;
    if (isTaken) taken.push(at);
    return isTaken;
  };
}

/** So many in each second of the clock. */
function fixed(perSecond: number): Operator {
  let [second, count] = [0, 0];
  return (at) => {
    if (Math.floor(at / 1_000) !== second) [second, count] = [Math.floor(at / 1_000), 0];
    return ++count <= perSecond;
  };
}

/** A bucket of tokens, full at first. */
function bucket(perSecond: number, size: number): Operator {
  let [tokens, last] = [size, 0];
  return (at) => {
    tokens = Math.min(size, tokens + (at - last) * perSecond / 1_000);
    last = at;
    const isTaken = tokens >= 1;
    if (isTaken) tokens--;
    return isTaken;
  };
}

/** Sends for so many seconds after a burst; answers the rates found and what was taken, second by second. */
function run(operator: Operator, seconds: number, burst = 40) {
  const pace = new SmsPace();
  let random = 1;
  const jitter = (): number => (random = random * 48271 % 2147483647) % 60;
  const events: { at: number; sentAt: number; arrived: boolean }[] = [];
  const rates: number[] = [];
  const taken: number[] = [];
  const submit = (sentAt: number): void => {
    events.push({ at: sentAt + jitter(), sentAt, arrived: false });
  };
  for (let n = 0; n < burst; n++) submit(0);
  for (let now = 1; now < seconds * 1_000; now++) {
    for (const event of events.filter(({ at }) => at <= now)) {
      if (!event.arrived) {
        event.arrived = true;
        if (operator(now)) {
          pace.acked("t", now);
          taken.push(now);
        } else pace.throttled("t", now, event.sentAt);
      }
      events.splice(events.indexOf(event), 1);
    }
    if (now % 1_000 === 0) rates.push(pace.rates().get("t") ?? 0);
    if (pace.isFree("t") || pace.waitMs("t", now) > 0) continue;
    pace.take("t", now, 1, 0);
    submit(now);
  }
  return { rates, taken };
}

const OPERATORS = [
  ...[5, 50, 200].map((rate) => ({ name: `${rate} in any second`, rate, of: () => sliding(rate) })),
  ...[5, 50].map((rate) => ({ name: `${rate} in each second`, rate, of: () => fixed(rate) })),
  ...[5, 50].map((rate) => ({
    name: `${rate} a second, and twice as many at first`,
    rate,
    of: () => bucket(rate, 2 * rate),
  })),
];

for (const { name, rate, of } of OPERATORS) {
  Deno.test(`the rate of an operator that takes ${name} is found within 20 %`, () => {
    const { rates, taken } = run(of(), 120, 10 * rate);
    for (const [second, found] of rates.entries()) {
      const isClose = found > 0.8 * rate && found < 1.2 * rate;
      assert.ok(
        second < 15 || isClose,
        `${found} after ${second} s: ${rates.map((r) => r.toFixed(1))}`,
      );
    }
    const perSecond = taken.filter((at) => at > 20_000).length / 100;
    assert.ok(perSecond > 0.85 * rate, `${perSecond} a second are taken`);
  });
}

Deno.test("an operator that takes ten times less, or more, is followed", () => {
  const [slow, fast] = [sliding(4), sliding(40)];
  const { rates } = run((at) => at > 60_000 && at < 120_000 ? slow(at) : fast(at), 240, 400);
  const at = (second: number) => rates[second] ?? 0;
  assert.ok(at(59) > 32 && at(59) < 48, `${at(59)}`);
  assert.ok(at(110) > 3 && at(110) < 5, `${at(110)}`);
  assert.ok(at(230) > 32 && at(230) < 48, `${at(230)}`);
});

Deno.test("an operator that takes nothing is tried now and then, and is found when it takes something", () => {
  const open = sliding(20);
  const { rates, taken } = run((at) => at > 60_000 && open(at), 180);
  assert.ok((rates[59] ?? 9) <= 1, `${rates[59]}`);
  assert.ok(taken.filter((at) => at > 120_000).length > 0.8 * 60 * 20);
});
