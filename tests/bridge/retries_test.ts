import assert from "node:assert/strict";
import fc from "fast-check";
import { afterFailure, type Failed, retryDelayMs } from "../../src/bridge/retries.ts";
import {
  isOutOfOrder,
  NO_PAST,
  type Past,
  pastHeaders,
  placeHeaders,
  readPast,
} from "../../src/bridge/retry_headers.ts";

const NOW = Date.parse("2026-11-24T08:00:00.000Z");
const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE;
const DELAYS = [5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR];
const FAILED: Failed = {
  kind: "retry",
  reason: "Turn answered 500",
  status: 500,
  said: "oh no",
  afterMs: 0,
  fault: "turn",
};
const PLACE = { mark: NOW, nth: 3 };
const REFUSED: Failed = { kind: "refused", reason: "Turn answered 400", status: 400 };

function after(past: Partial<Past>, more: Partial<Failed> = {}, forMs = 72 * HOUR, now = NOW) {
  // A retry stays one.
  const failed = { ...FAILED, ...more } as Failed;
  return afterFailure({ ...NO_PAST, ...past }, failed, { delaysMs: DELAYS, forMs, now });
}

Deno.test("retryDelayMs() is below base ** (retries * exponent) seconds, whole ones", () => {
  const retry = { delayBase: 2, delayExponent: 2 };
  const almostOne = 1 - Number.EPSILON;
  const longest = [0, 1, 2, 3].map((retries) => retryDelayMs(retries, retry, almostOne));
  assert.deepEqual(longest, [0, 3_000, 15_000, 63_000]);
  assert.equal(retryDelayMs(2, retry, 0), 0);
  assert.equal(retryDelayMs(2, retry, 0.5), 8_000);
});

Deno.test("retryDelayMs() stays below what RabbitMQ waits for an ack", () => {
  assert.equal(retryDelayMs(9, { delayBase: 10, delayExponent: 99 }, 1), 300_000);
});

Deno.test("afterFailure() follows the schedule, repeats its last, and parks when time is over", () => {
  let past: Past = { ...NO_PAST, attempts: 4 };
  let now = NOW;
  const delays = [];
  for (;;) {
    const disposition = after(past, {}, 72 * HOUR, now);
    if (disposition.kind !== "later") {
      assert.deepEqual(disposition.kind, "park");
      break;
    }
    delays.push(disposition.delayMs);
    now += disposition.delayMs;
    const read = readPast(disposition.headers);
    assert.ok(read !== undefined);
    assert.equal(read.waits, delays.length);
    assert.equal(read.firstFailureAt, NOW);
    past = { ...read, attempts: read.attempts + 1 };
  }
  const repeated = Array<number>(5).fill(12 * HOUR);
  assert.deepEqual(delays, [...DELAYS.slice(0, -1), ...repeated]);
  assert.ok(now - NOW <= 72 * HOUR && now - NOW + 12 * HOUR > 72 * HOUR);
});

Deno.test("afterFailure() parks when the next attempt would come after `forMs`", () => {
  const first = { attempts: 4, waits: 1, firstFailureAt: NOW - 60_000 };
  assert.equal(after(first, {}, 120_000).kind, "later");
  assert.equal(after(first, {}, 119_999).kind, "park");
  assert.equal(after({}, {}, 0).kind, "park");
});

Deno.test("afterFailure() parks a refusal at once, with what is known", () => {
  assert.deepEqual(
    afterFailure({ ...NO_PAST, attempts: 1 }, REFUSED, {
      delaysMs: DELAYS,
      forMs: 72 * HOUR,
      now: NOW,
    }),
    {
      kind: "park",
      reason: "Turn answered 400",
      status: 400,
      headers: {
        "x-retry-attempts": 1,
        "x-retry-waits": 0,
        "x-retry-first-failure": "2026-11-24T08:00:00.000Z",
        "x-retry-reason": "Turn answered 400",
        "x-retry-status": 400,
        "x-retry-said": "",
      },
    },
  );
});

Deno.test("afterFailure() says in headers what has happened", () => {
  assert.deepEqual(after({ attempts: 5, waits: 1, firstFailureAt: NOW - 5_000 }), {
    kind: "later",
    delayMs: MINUTE,
    headers: {
      "x-retry-attempts": 5,
      "x-retry-waits": 2,
      "x-retry-first-failure": "2026-11-24T07:59:55.000Z",
      "x-retry-reason": "Turn answered 500",
      "x-retry-status": 500,
      "x-retry-said": "oh no",
    },
  });
});

Deno.test("afterFailure() parks with the reason, the attempts and what Turn said", () => {
  const parked = after({ attempts: 12 }, {}, 0);
  assert.ok(parked.kind === "park");
  assert.equal(parked.reason, "Turn answered 500, after 12 attempts: oh no");
  assert.equal(parked.status, 500);
});

const ASKED: readonly [string, number, number, number][] = [
  ["nothing", 0, 0, 5 * SECOND],
  ["less than the delay", 0, 4 * SECOND, 5 * SECOND],
  ["more than the delay", 0, 6 * SECOND, MINUTE],
  ["much more", 0, 3 * HOUR, 6 * HOUR],
  ["less than a later delay", 3, MINUTE, 30 * MINUTE],
  ["more than any", 0, 24 * HOUR, 12 * HOUR],
];

for (const [label, waits, afterMs, delayMs] of ASKED) {
  Deno.test(`afterFailure() waits at least as Turn asks, when that is ${label}`, () => {
    const disposition = after({ waits }, { afterMs });
    assert.ok(disposition.kind === "later");
    assert.equal(disposition.delayMs, delayMs);
  });
}

Deno.test("afterFailure() follows a schedule that does not rise", () => {
  const options = { delaysMs: [60_000, 5_000, 30_000], forMs: HOUR, now: NOW };
  const delays = [0, 1, 2, 3].map((waits) => {
    const disposition = afterFailure({ ...NO_PAST, waits }, FAILED, options);
    return disposition.kind === "later" && disposition.delayMs;
  });
  assert.deepEqual(delays, [60_000, 5_000, 30_000, 30_000]);
  const asked = afterFailure(
    { ...NO_PAST, waits: 1 },
    { ...FAILED, afterMs: 6_000 } as Failed,
    options,
  );
  assert.ok(asked.kind === "later");
  assert.equal(asked.delayMs, 30_000);
});

Deno.test("the headers of a message that waits behind another tell of no attempt", () => {
  const place = placeHeaders({ place: PLACE, isBegun: false }, 5_000);
  const headers = { ...pastHeaders(NO_PAST, "waits behind another"), ...place };
  assert.deepEqual(readPast(headers), { ...NO_PAST, place: PLACE, delayMs: 5_000 });
});

Deno.test("the headers of a message that goes again keep what has failed, and say why", () => {
  const past = { ...NO_PAST, attempts: 2, firstFailureAt: NOW, delayMs: 5_000 };
  const place = placeHeaders({ place: PLACE, isBegun: true }, 0);
  const headers = { ...pastHeaders(past, "was in hand for too long"), ...place };
  assert.deepEqual(readPast(headers), { ...past, place: PLACE, delayMs: 0, isBegun: true });
  assert.equal(headers["x-retry-reason"], "was in hand for too long");
});

Deno.test("isOutOfOrder() when it has failed, and has no place any more", () => {
  for (
    const [waits, mark, expected] of [[0, 0, false], [0, 7, false], [1, 7, false], [
      1,
      0,
      true,
    ]] as const
  ) {
    assert.equal(
      isOutOfOrder({ ...NO_PAST, waits, place: { mark, nth: 1 } }),
      expected,
      `${waits} ${mark}`,
    );
  }
  assert.equal(isOutOfOrder(undefined), false);
});

Deno.test("readPast() is undefined for a message that has not waited", () => {
  assert.equal(readPast({}), undefined);
  assert.equal(readPast({ "x-death": [{}], "x-parked-reason": "no" }), undefined);
});

Deno.test("readPast() reads what afterFailure() wrote", () => {
  const count = fc.integer({ min: 0, max: 999_999 });
  const date = fc.date({ min: new Date(0), max: new Date(NOW), noInvalidDate: true });
  fc.assert(fc.property(count, count, date, (attempts, waits, first) => {
    const firstFailureAt = first.getTime();
    const disposition = after({ attempts, waits, firstFailureAt }, {}, Infinity);
    assert.ok(disposition.kind === "later");
    assert.deepEqual(readPast(disposition.headers), {
      ...NO_PAST,
      attempts,
      waits: waits + 1,
      firstFailureAt,
    });
  }));
});

Deno.test("afterFailure() comes to an end, whatever the headers are", () => {
  const value = fc.oneof(
    fc.anything(),
    fc.double(),
    fc.integer(),
    fc.constantFrom(-1, 1e15, 2 ** 53, 1e308, "1", "x", "9999-01-01T00:00:00Z", NaN, null),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  );
  const headers = fc.record({
    "x-retry-waits": value,
    "x-retry-attempts": value,
    "x-retry-first-failure": value,
  });
  fc.assert(fc.property(headers, (headers) => {
    let past: Past = readPast(headers) ?? NO_PAST;
    let now = NOW;
    for (let n = 0; n < 20; n++) {
      const disposition = after(past, {}, 72 * HOUR, now);
      if (disposition.kind === "park") return;
      assert.ok(disposition.kind === "later");
      assert.ok(DELAYS.includes(disposition.delayMs));
      for (const header of Object.values(disposition.headers)) {
        assert.ok(typeof header === "string" || Number.isSafeInteger(header));
      }
      now += disposition.delayMs;
      const read = readPast(disposition.headers);
      assert.ok(read !== undefined, "its own headers can't be read");
      past = { ...read, attempts: read.attempts + 1 };
    }
    assert.fail("still tried");
  }));
});
