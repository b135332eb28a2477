import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { CacheError, type MessageCache, TALLY_DAYS } from "../../../src/cache/mod.ts";
import { redisUrl } from "../../support/redis.ts";
import { START } from "../adapter.ts";
import { messageCacheContract } from "../contract.ts";
import { connect, DAY, newPrefix, openRedis, passTime } from "../redis_server.ts";
import { note, remembered, rememberedOfSize } from "../samples.ts";

let prefix = "";

messageCacheContract({
  name: "MessageCache on a RedisStore",
  open: (options) => {
    prefix = newPrefix();
    return openRedis({ ...options, url: redisUrl(), keyPrefix: prefix });
  },
  pass: (ms) => passTime(redisUrl(), prefix, ms),
  slackMs: 15_000,
});

const IN = { flow: "inbound", result: "in" };

/** As the adapter shortens what is no plain id. */
function hashOf(id: string): string {
  return createHash("sha256").update(id, "utf16le").digest("hex");
}

Deno.test("RedisStore has the server forget all that it keeps", async () => {
  const keyPrefix = newPrefix();
  await using cache = await openRedis({
    url: redisUrl(),
    keyPrefix,
    inboundTtlMs: DAY,
    outboundTtlMs: 2 * DAY,
  });
  await cache.putInbound(remembered(), [IN]);
  await cache.putOutbound(rememberedOfSize(1_000_000, "x"));
  await cache.putNotes([note({ ttlMs: 3 * DAY })]);
  await using redis = await connect(redisUrl());
  const days = async (name: string) => {
    const left = await redis.pttl(keyPrefix + name) / DAY;
    return Math.ceil(left * 1000) / 1000;
  };
  assert.equal(await days("inbound:m1"), 1);
  assert.equal(await days("last_inbound:27831234567"), 1);
  assert.equal(await days("outbound:m1"), 2);
  assert.equal(await days("last_outbound:#" + hashOf("*120*8864#")), 2);
  assert.equal(await days("told:m1"), 3);
  const today = new Date().toISOString().slice(0, 10);
  assert.equal(await days(`tally:${today}`), TALLY_DAYS + 2);
  assert.equal((await redis.keys(`${keyPrefix}*`)).length, 6);
});

Deno.test("RedisStore writes what earlier versions read, and reads what they wrote", async () => {
  const keyPrefix = newPrefix();
  await using cache = await openRedis({ url: redisUrl(), keyPrefix, now: () => START });
  await cache.putInbound(remembered(), [IN]);
  await cache.putNotes([note({ id: "é", value: 'a"b' })]);
  await using redis = await connect(redisUrl());
  const row = '["m1","*120*8864#","+27831234567","ussd_transport","ussd",' +
    '"2026-01-02 03:04:05.678901",null,"mtn",null,"new",{"session":{"id":"s1","hops":[1,2]}}]';
  assert.equal(await redis.get(`${keyPrefix}inbound:m1`), row);
  assert.equal(await redis.get(`${keyPrefix}last_inbound:27831234567`), row);
  assert.equal(await redis.get(`${keyPrefix}told:#${hashOf("é")}`), '"a\\"b"');
  assert.deepEqual(await redis.hgetall(`${keyPrefix}tally:2026-01-03`), { "inbound:in": "1" });
  await redis.set(`${keyPrefix}outbound:m1`, row);
  await redis.set(`${keyPrefix}told:m1`, '"read"');
  assert.deepEqual(await cache.getOutbound("m1"), remembered());
  assert.equal(await cache.getNote("told", "m1"), "read");
});

Deno.test("RedisStore forgets by the server's clock", async () => {
  await using cache = await openRedis({ url: redisUrl(), inboundTtlMs: 1.5, outboundTtlMs: 0.1 });
  await cache.putInbound(remembered());
  await cache.putOutbound(remembered());
  const deadline = Date.now() + 20_000;
  while (await cache.getInbound("m1") !== undefined) assert.ok(Date.now() < deadline);
  while (await cache.getOutbound("m1") !== undefined) assert.ok(Date.now() < deadline);
});

Deno.test("RedisStore shares what it keeps with others of its prefix", async () => {
  const keyPrefix = newPrefix();
  await using one = await openRedis({ url: redisUrl(), keyPrefix });
  await using other = await openRedis({ url: redisUrl(), keyPrefix });
  await one.putInbound(remembered({ message_id: "1" }), [IN]);
  assert.equal((await other.getLastInbound("+27831234567"))?.message_id, "1");
  await other.putInbound(remembered({ message_id: "2" }), [IN]);
  assert.equal((await one.getLastInbound("+27831234567"))?.message_id, "2");
  const count = async (cache: MessageCache) => {
    for (let round = 0; round < 100; round++) await cache.putNotes([note()], [IN]);
  };
  await Promise.all([count(one), count(other), count(one), count(other)]);
  assert.equal((await one.tallied())[0]?.count, 402);
});

Deno.test("RedisStore keeps prefixes apart, also when one begins with the other", async () => {
  const first = newPrefix();
  const prefixes = [first, `${first}told:`, `${first}told:told:`, `${first}told`];
  await using parts = new AsyncDisposableStack();
  const caches: MessageCache[] = [];
  for (const keyPrefix of prefixes) {
    caches.push(parts.use(await openRedis({ url: redisUrl(), keyPrefix })));
  }
  const ids = ["m1", "told:m1", "told:told:m1", ":m1", "#m1", ""];
  for (const [index, cache] of caches.entries()) {
    await cache.putNotes(ids.map((id) => note({ id, value: `${index} ${id}` })));
  }
  for (const [index, cache] of caches.entries()) {
    for (const id of ids) assert.equal(await cache.getNote("told", id), `${index} ${id}`);
  }
});

Deno.test("RedisStore tells an id that is hashed from one that looks like its hash", async () => {
  await using cache = await openRedis({ url: redisUrl() });
  const long = "9".repeat(65);
  const hash = createHash("sha256").update(long, "utf16le").digest("hex");
  const ids = [long, hash, `#${hash}`];
  await cache.putNotes(ids.map((id) => note({ id, value: id })));
  for (const id of ids) assert.equal(await cache.getNote("told", id), id);
});

Deno.test("RedisStore takes a damaged entry as absent, and may write over it", async () => {
  const keyPrefix = newPrefix();
  await using cache = await openRedis({ url: redisUrl(), keyPrefix });
  await using redis = await connect(redisUrl());
  for (const damaged of ["", "{", "7", "null"]) {
    await cache.putInbound(remembered());
    await cache.putNotes([note()]);
    assert.equal((await cache.getInbound("m1"))?.message_id, "m1");
    assert.equal(await cache.getNote("told", "m1"), "delivered");
    for (const name of ["inbound:m1", "last_inbound:27831234567", "told:m1"]) {
      await redis.set(keyPrefix + name, damaged);
    }
    assert.equal(await cache.getInbound("m1"), undefined);
    assert.equal(await cache.getLastInbound("+27831234567"), undefined);
    assert.equal(await cache.getNote("told", "m1"), undefined);
  }
});

Deno.test("RedisStore says what the server refuses, without what it is about", async () => {
  const keyPrefix = newPrefix();
  await using cache = await openRedis({ url: redisUrl(), keyPrefix });
  await using redis = await connect(redisUrl());
  await redis.lpush(`${keyPrefix}told:m1`, "no note");
  await assert.rejects(cache.getNote("told", "m1"), (error) => {
    assert.ok(error instanceof CacheError);
    assert.match(
      error.message,
      /^Cannot read the cache on Redis at 127\.0\.0\.1:\d+: WRONGTYPE Operation against a key/,
    );
    assert.equal(error.cause, undefined);
    return true;
  });
  // A refusal within a transaction.
  await redis.set(`${keyPrefix}tally:${new Date().toISOString().slice(0, 10)}`, "no hash");
  await assert.rejects(cache.putNotes([note({ id: "m2" })], [IN]), (error) => {
    assert.ok(error instanceof CacheError);
    return /^Cannot write to the cache on Redis at .*: WRONGTYPE/.test(error.message);
  });
});

Deno.test("RedisStore, closing, waits for puts under way", async () => {
  const keyPrefix = newPrefix();
  const closing = await openRedis({ url: redisUrl(), keyPrefix });
  const ids = Array.from({ length: 300 }, (_, index) => `${index}`);
  const puts = ids.map((id) => closing.putOutbound(remembered({ message_id: id }), [IN]));
  await closing[Symbol.asyncDispose]();
  await Promise.all(puts);
  await using cache = await openRedis({ url: redisUrl(), keyPrefix });
  for (const id of ids) assert.equal((await cache.getOutbound(id))?.message_id, id);
});

for (
  const url of [
    ...["", "localhost", "http://localhost", "redis://", "redis://:pa#ss@localhost/x"],
    ...["redis+sentinel://s1", "redis+sentinel://s1,/main", "redis+sentinel://s1/main/x"],
  ]
) {
  Deno.test(`RedisConnection.open() refuses the address ${JSON.stringify(url)}`, async () => {
    await assert.rejects(openRedis({ url }), (error) => {
      assert.ok(error instanceof TypeError);
      assert.match(
        error.message,
        /must be redis:\/\/…, rediss:\/\/…, or redis\+sentinel:\/\/…\/NAME$/,
      );
      return true;
    });
  });
}
