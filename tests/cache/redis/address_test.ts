import assert from "node:assert/strict";
import {
  describeRedisFault,
  describeSentinelFault,
  isNotPrimary,
  parseRedisUrl,
} from "../../../src/cache/redis/address.ts";

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
    tls: {},
  });
  assert.equal(full.host, "[::1]:6380");
});

Deno.test("parseRedisUrl() reads the addresses of Sentinels, and what they call the primary", () => {
  const plain = parseRedisUrl("redis+sentinel://s1.internal/main");
  assert.deepEqual(plain.connect, {
    db: 0,
    sentinels: [{ host: "s1.internal", port: 26379 }],
    name: "main",
  });
  const full = parseRedisUrl("rediss+sentinel://us%40er:p@s1:1,[::1],s3:3/main.1-a_b/15", {
    username: "looker",
    password: "hush",
  });
  assert.deepEqual(full.connect, {
    db: 15,
    username: "us@er",
    password: "p",
    tls: {},
    sentinels: [{ host: "s1", port: 1 }, { host: "::1", port: 26379 }, { host: "s3", port: 3 }],
    name: "main.1-a_b",
    sentinelUsername: "looker",
    sentinelPassword: "hush",
    sentinelTLS: {},
    enableTLSForSentinelMode: true,
  });
  assert.deepEqual(full.hosts, ["s1:1", "[::1]:26379", "s3:3"]);
  assert.equal(full.host, "main.1-a_b (by Sentinel at s1:1, [::1]:26379, s3:3)");
});

/** What ioredis says of Sentinels, with what a person must be told. */
const SENTINEL_FAULTS: readonly (readonly [string, string])[] = [
  [
    "connected to sentinel s1:1 successfully, but got an invalid reply: null",
    "Sentinel s1:1 knows no primary main",
  ],
  [
    "failed to connect to sentinel s1:1 because Connection is closed.",
    "Sentinel s1:1: can't be reached",
  ],
  ["failed to connect to sentinel s1:1 because ", "Sentinel s1:1: can't be reached"],
  ["failed to connect to sentinel s1:1 because it was hush-hush", "Sentinel s1:1: it was ********"],
  [
    "failed to connect to sentinel s1:1 because NOAUTH Authentication required.",
    "Sentinel s1:1 asks for sentinel_username or sentinel_password, or refused them",
  ],
];

for (const [text, told] of SENTINEL_FAULTS) {
  Deno.test(`describeSentinelFault() makes of ${JSON.stringify(text)}: ${told}`, () => {
    const address = parseRedisUrl("redis+sentinel://s1:1/main", { password: "hush-hush" });
    assert.equal(describeSentinelFault(new Error(text), address), told);
  });
}

Deno.test("isNotPrimary() knows the words of Redis 6 and 7, and no others", () => {
  for (
    const text of [
      "READONLY You can't write against a read only replica. script: 3a9, on @user_script:5.",
      "ERR Error running script (call to f_3a9): @user_script:5: @user_script: 5: " +
      "-READONLY You can't write against a read only replica. ",
      "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
      "LOADING Redis is loading the dataset in memory",
      "CLUSTERDOWN The cluster is down",
      "MOVED 3999 127.0.0.1:6381",
      "NOREPLICAS Not enough good replicas to write.",
    ]
  ) assert.ok(isNotPrimary(new Error(text)), text);
  for (
    const text of [
      "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist",
      "OOM command not allowed when used memory > 'maxmemory'.",
      "BUSY Redis is busy running a script.",
      "ERR unknown command 'x', with args beginning with: 'READONLY'",
      "Command timed out",
    ]
  ) assert.ok(!isNotPrimary(new Error(text)), text);
});

/** Errors as servers and ioredis word them, with what a person must be told. */
const FAULTS: readonly (readonly [string, string])[] = [
  ["WRONGPASS invalid username-password pair", "Redis refused the user or the password"],
  ["ERR invalid password", "Redis refused the user or the password"],
  ["NOAUTH Authentication required.", "Redis requires a password, and none is configured"],
  ["ERR unknown command 'EVAL', with args beginning with: '+2782'", "ERR unknown command 'EVAL'"],
  ["ERR it was hush-hush", "ERR it was ********"],
  ["OOM command not allowed, script: 2f1a, on @user_script:5.", "OOM command not allowed"],
  ["READONLY You can't write", "it is a replica, which takes no writes"],
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
