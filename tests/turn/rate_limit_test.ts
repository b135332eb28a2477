import assert from "node:assert/strict";
import fc from "fast-check";
import { type RateLimit, readRateLimit, retryAfterMs } from "../../src/turn/rate_limit.ts";

/** When Turn's own example was sent. */
const NOW = 1786331726_000;
const NONE = { bucket: undefined, limit: undefined, remaining: undefined, resetAt: undefined };

const CASES: readonly [string, Record<string, string>, string, RateLimit | undefined][] = [
  ["nothing", {}, "", undefined],
  ["other headers", { "Retry-After": "1" }, "too many", undefined],
  [
    "Turn's example",
    {
      "X-Ratelimit-Bucket": "claims",
      "X-Ratelimit-Limit": "20",
      "X-Ratelimit-Remaining": "0",
      "X-Ratelimit-Reset": "1786331727.285",
    },
    "",
    { bucket: "claims", limit: 20, remaining: 0, resetAt: 1786331727_285 },
  ],
  ["a part of it", { "x-ratelimit-remaining": "3" }, "", { ...NONE, remaining: 3 }],
  ["a bucket in the text", {}, "Rate limit hit for bucket text", { ...NONE, bucket: "text" }],
  ["a bucket in quotes", {}, "bucket 'a-b_c', sorry", { ...NONE, bucket: "a-b_c" }],
  ["the header's bucket first", { "X-Ratelimit-Bucket": "a" }, "bucket b", {
    ...NONE,
    bucket: "a",
  }],
  ["a long bucket cut", { "X-Ratelimit-Bucket": "x".repeat(999) }, "", {
    ...NONE,
    bucket: "x".repeat(40),
  }],
  [
    "no words for numbers",
    { "X-Ratelimit-Limit": "many", "X-Ratelimit-Remaining": "-1" },
    "",
    undefined,
  ],
  ["a reset just gone by", { "X-Ratelimit-Reset": "1786331725" }, "", {
    ...NONE,
    resetAt: 1786331725_000,
  }],
  ["no reset in milliseconds", { "X-Ratelimit-Reset": "1786331727285" }, "", NONE],
  ["no reset in seconds from now", { "X-Ratelimit-Reset": "30" }, "", NONE],
  ["no reset in more than ten minutes", { "X-Ratelimit-Reset": "1786332327" }, "", NONE],
];

for (const [label, headers, said, expected] of CASES) {
  Deno.test(`readRateLimit() reads ${label}`, () => {
    assert.deepEqual(readRateLimit(new Headers(headers), said, NOW), expected);
  });
}

Deno.test("readRateLimit() gives numbers that can be reckoned with, whatever the headers are", () => {
  const value = fc.oneof(fc.string({ unit: "grapheme-ascii" }), fc.double().map(String));
  fc.assert(fc.property(value, value, value, fc.string(), (limit, remaining, reset, said) => {
    const headers = new Headers({
      "X-Ratelimit-Limit": limit,
      "X-Ratelimit-Remaining": remaining,
      "X-Ratelimit-Reset": reset,
    });
    const read = readRateLimit(headers, said, NOW);
    for (const number of [read?.limit, read?.remaining, read?.resetAt]) {
      assert.ok(number === undefined || number >= 0 && Number.isFinite(number));
    }
  }));
});

const DAY_MS = 24 * 60 * 60 * 1000;

const WAITS: readonly [string, number, Record<string, string>, number][] = [
  ["nothing", 429, {}, 0],
  ["whole seconds", 429, { "Retry-After": "2" }, 2000],
  ["fractions of a second", 503, { "Retry-After": "0.25" }, 250],
  ["what is less than a millisecond", 503, { "Retry-After": "0.0001" }, 1],
  ["a date", 503, { "Retry-After": new Date(NOW + 5000).toUTCString() }, 5000],
  ["a date gone by", 503, { "Retry-After": new Date(NOW - 5000).toUTCString() }, 0],
  ["zero", 503, { "Retry-After": "0" }, 0],
  ["a negative number as garbage", 503, { "Retry-After": "-5" }, 0],
  ["a word as garbage", 503, { "Retry-After": "soon" }, 0],
  ["what is no date of HTTP's as garbage", 503, { "Retry-After": "May 5 2090" }, 0],
  ["a wrong date as garbage", 503, { "Retry-After": "the day after tomorrow GMT" }, 0],
  ["a day for what is longer", 503, { "Retry-After": "9".repeat(400) }, DAY_MS],
  ["Retry-After with any status", 500, { "Retry-After": "3" }, 3000],
  ["a reset in fractions", 429, { "X-Ratelimit-Reset": "1786331727.285" }, 1285],
  ["a reset with 503", 503, { "X-Ratelimit-Reset": "1786331727" }, 1000],
  ["a reset with nothing remaining", 429, {
    "X-Ratelimit-Reset": "1786331727",
    "X-Ratelimit-Remaining": "0",
  }, 1000],
  ["no reset when calls remain", 429, {
    "X-Ratelimit-Reset": "1786331727",
    "X-Ratelimit-Remaining": "1",
  }, 0],
  ["no reset with other statuses", 500, { "X-Ratelimit-Reset": "1786331727" }, 0],
  ["no reset gone by", 429, { "X-Ratelimit-Reset": "1786331725" }, 0],
  ["no reset that is garbage", 429, { "X-Ratelimit-Reset": "soon" }, 0],
  ["no reset in milliseconds", 429, { "X-Ratelimit-Reset": "1786331727285" }, 0],
  ["the reset, when Retry-After is rounded down", 429, {
    "Retry-After": "1",
    "X-Ratelimit-Limit": "20",
    "X-Ratelimit-Remaining": "0",
    "X-Ratelimit-Reset": "1786331727.285",
  }, 1285],
  ["Retry-After, when that is longer", 429, {
    "Retry-After": "30",
    "X-Ratelimit-Reset": "1786331727.285",
  }, 30_000],
  ["Retry-After, when the reset is garbage", 429, {
    "Retry-After": "1",
    "X-Ratelimit-Reset": "1786339999",
  }, 1000],
];

for (const [what, status, headers, expected] of WAITS) {
  Deno.test(`retryAfterMs() believes ${what}`, () => {
    assert.equal(retryAfterMs(new Response(null, { status, headers }), NOW), expected);
  });
}

Deno.test("retryAfterMs() is a wait that a timer can take, whatever the headers are", () => {
  const value = fc.oneof(
    fc.stringMatching(/^[\x20-\x7e]*$/),
    fc.double().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  );
  fc.assert(fc.property(value, value, value, (after, reset, remaining) => {
    const headers = {
      "Retry-After": after,
      "X-Ratelimit-Reset": reset,
      "X-Ratelimit-Remaining": remaining,
    };
    const wait = retryAfterMs(new Response(null, { status: 429, headers }), NOW);
    assert.ok(Number.isInteger(wait) && wait >= 0 && wait <= DAY_MS);
  }));
});
