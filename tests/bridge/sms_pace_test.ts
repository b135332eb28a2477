import assert from "node:assert/strict";
import { SmsPace } from "../../src/bridge/sms_pace.ts";

/** What goes in two minutes of which the last is late now and then, as `[at, segments]`. */
function run(maxPerSecond: number, segmentsOf: (nth: number) => number) {
  const pace = new SmsPace();
  const sent: [at: number, segments: number][] = [];
  for (let now = 0; now < 120_000; now += sent.length % 100 === 99 ? 300 : 1) {
    while (pace.waitMs("t", now) === 0) {
      const segments = segmentsOf(sent.length);
      if (pace.secondWaitMs(now, segments, maxPerSecond) > 0) break;
      pace.take("t", now, segments, maxPerSecond);
      pace.gone(now, segments, maxPerSecond);
      sent.push([now, segments]);
    }
  }
  return sent;
}

for (
  const [name, segmentsOf] of [
    ["one segment each", () => 1],
    ["one to three segments", (nth: number) => nth % 3 + 1],
  ] as const
) {
  Deno.test(`SmsPace lets 50 segments go in any second, within 10 %: ${name}`, () => {
    const sent = run(50, segmentsOf);
    for (const [from] of sent) {
      const within = sent.filter(([at]) => at >= from && at < from + 1_000);
      const segments = within.reduce((sum, [, count]) => sum + count, 0);
      assert.ok(segments <= 55, `${segments} in the second from ${from} ms`);
    }
    const all = sent.reduce((sum, [, count]) => sum + count, 0);
    assert.ok(all > 50 * 120 * 0.8, `${all}`);
  });
}

/** Most segments in a second, those of each SMS, and how many of them go in a second. */
const LONG_ONES = [
  [50, 3, 48],
  [50, 4, 48],
  [20, 4, 19],
  [10, 3, 8.5],
  [10, 7, 6.5],
  [5, 2, 3.8],
  [2, 5, 1.9],
] as const;

for (const [maxPerSecond, each, least] of LONG_ONES) {
  Deno.test(`SmsPace lets ${maxPerSecond} segments go in any second, ${each} at once, or one SMS alone`, () => {
    const sent = run(maxPerSecond, () => each);
    const most = Math.max(each, maxPerSecond * 1.1);
    for (const [from] of sent) {
      const within = sent.filter(([at]) => at >= from && at < from + 1_000).length * each;
      assert.ok(within <= most, `${within} in the second from ${from} ms`);
    }
    const rate = sent.length * each / 120;
    assert.ok(rate > least && rate <= maxPerSecond * 1.05, `${rate} a second`);
  });
}

for (const maxPerSecond of [1, 5, 9, 10, 19, 1_000]) {
  Deno.test(`SmsPace lets ${maxPerSecond} go in any second, and at most a tenth more`, () => {
    const at = run(maxPerSecond, () => 1).map(([at]) => at);
    let first = 0;
    for (const [last, end] of at.entries()) {
      while ((at[first] ?? 0) <= end - 1_000) first++;
      assert.ok(last - first + 1 <= maxPerSecond * 1.1, `${last - first + 1} until ${end} ms`);
    }
    assert.ok(at.length > Math.min(maxPerSecond, 50) * 120 * 0.8, `${at.length}`);
  });
}
