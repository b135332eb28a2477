import assert from "node:assert/strict";
import fc from "fast-check";
import { type RateLimit, readRateLimit } from "../../src/turn/rate_limit.ts";

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
