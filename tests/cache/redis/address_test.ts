import assert from "node:assert/strict";
import { describeRedisFault, parseRedisUrl } from "../../../src/cache/redis/address.ts";

Deno.test("parseRedisUrl() reads user, password, host, port and database", () => {
  const plain = parseRedisUrl("redis://cache.internal");
  assert.deepEqual(plain.connect, { host: "cache.internal", port: 6379, db: 0 });
  assert.equal(plain.host, "cache.internal:6379");
  const full = parseRedisUrl("rediss://us%40er:p%25%2F%C3%A9@[::1]:6380/15");
  assert.deepEqual(full.connect, {
    host: "::1",
    port: 6380,
    db: 15,
    username: "us@er",
    password: "p%/é",
    tls: { servername: "::1" },
  });
  assert.equal(full.host, "[::1]:6380");
});

/** Errors as servers and ioredis word them, with what a person must be told. */
const FAULTS: readonly (readonly [string, string])[] = [
  ["WRONGPASS invalid username-password pair", "Redis refused the user or the password"],
  ["ERR invalid password", "Redis refused the user or the password"],
  ["NOAUTH Authentication required.", "Redis requires a password, and none is configured"],
  ["ERR unknown command 'EVAL', with args beginning with: '+2782'", "ERR unknown command 'EVAL'"],
  ["ERR it was hush-hush", "ERR it was ********"],
  ["OOM command not allowed, script: 2f1a, on @user_script:5.", "OOM command not allowed"],
  ["", "the connection ended"],
];

for (const [text, told] of FAULTS) {
  Deno.test(`describeRedisFault() makes of ${JSON.stringify(text)}: ${told}`, () => {
    const address = parseRedisUrl("redis://:hush-hush@127.0.0.1:1");
    assert.equal(describeRedisFault(new Error(text), address), told);
  });
}

Deno.test("describeRedisFault() tells of each address of a host", () => {
  const errors = ["connect ECONNREFUSED ::1:1", "connect ECONNREFUSED 127.0.0.1:1"];
  const fault = new AggregateError(errors.map((text) => new Error(text)));
  assert.equal(describeRedisFault(fault, parseRedisUrl("redis://localhost:1")), errors.join(", "));
});
