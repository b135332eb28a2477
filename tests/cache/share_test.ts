/**
 * Caches that share a file or a connection: each does what every cache must do, and they know nothing
 * of one another.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DenoKvFile } from "../../src/cache/deno_kv/deno_kv_file.ts";
import { CacheError, type MessageCache } from "../../src/cache/mod.ts";
import { redisUrl } from "../support/redis.ts";
import { messageCacheContract } from "./contract.ts";
import { withOwner } from "./adapter.ts";
import { cacheIn, newPath, openFile } from "./deno_kv_files.ts";
import { cacheOn, connectTo, newPrefix, openRedis, passTime } from "./redis_server.ts";
import { note, remembered } from "./samples.ts";

const IN = { flow: "inbound", result: "in" };

messageCacheContract({
  name: "MessageCache on a DenoKvStore beside another in its file",
  open: async (options) => {
    const file = await DenoKvFile.open(newPath());
    const other = withOwner(cacheIn(file, "a", { now: options.now }), file);
    return withOwner(cacheIn(file, "b", options), other);
  },
});

let prefix = "";

messageCacheContract({
  name: "MessageCache on a RedisStore beside another on its connection",
  open: async (options) => {
    prefix = newPrefix();
    const connection = await connectTo(redisUrl());
    const other = withOwner(cacheOn(connection, newPrefix(), { now: options.now }), connection);
    return withOwner(cacheOn(connection, prefix, options), other);
  },
  pass: (ms) => passTime(redisUrl(), prefix, ms),
  slackMs: 15_000,
});

/** A cache, which closes what both are in, and one beside it. */
type Pair = readonly [owner: MessageCache, part: MessageCache];

const PAIRS: Readonly<Record<string, () => Promise<Pair>>> = {
  async DenoKvStore() {
    const file = await DenoKvFile.open(newPath());
    return [withOwner(cacheIn(file, "shared"), file), cacheIn(file, "other")];
  },
  async RedisStore() {
    const connection = await connectTo(redisUrl());
    const owner = withOwner(cacheOn(connection, newPrefix()), connection);
    return [owner, cacheOn(connection, newPrefix())];
  },
};

for (const [name, open] of Object.entries(PAIRS)) {
  Deno.test(`${name} side by side keeps what is put into each apart`, async () => {
    const [owner, part] = await open();
    await using _owner = owner;
    await using _part = part;
    await owner.putInbound(remembered({ message_id: "m1", from_addr: "u" }), [IN]);
    await part.putOutbound(remembered({ message_id: "m2" }));
    await part.putNotes([note({ kind: "told", id: "n" })]);
    assert.equal(await part.getInbound("m1"), undefined);
    assert.equal(await part.getLastInbound("u"), undefined);
    assert.deepEqual(await part.tallied(), []);
    assert.equal(await owner.getOutbound("m2"), undefined);
    assert.equal(await owner.getNote("told", "n"), undefined);
    assert.equal((await owner.getInbound("m1"))?.message_id, "m1");
    assert.equal((await part.getOutbound("m2"))?.message_id, "m2");
    assert.equal((await owner.tallied()).length, 1);
  });

  Deno.test(`${name} side by side: the first one goes on when the other is closed`, async () => {
    const [owner, part] = await open();
    await using _owner = owner;
    const puts = Promise.all(
      ["1", "2", "3"].map((id) => part.putOutbound(remembered({ message_id: id }))),
    );
    await part[Symbol.asyncDispose]();
    await puts;
    await assert.rejects(part.putOutbound(remembered({ message_id: "4" })), CacheError);
    await owner.putOutbound(remembered({ message_id: "m1" }));
    assert.equal((await owner.getOutbound("m1"))?.message_id, "m1");
  });
}

/** Two caches that share all that they keep, as two programs do. */
const SHARED: Readonly<Record<string, () => Promise<Pair>>> = {
  async DenoKvStore() {
    const path = newPath();
    return [await openFile(path), await openFile(path)];
  },
  async RedisStore() {
    const options = { url: redisUrl(), keyPrefix: newPrefix() };
    return [await openRedis(options), await openRedis(options)];
  },
};

for (const [name, open] of Object.entries(SHARED)) {
  Deno.test(`${name} of two programs keeps what the user sent last, and one of two claims`, async () => {
    const [one, other] = await open();
    await using _one = one;
    await using _other = other;
    for (let round = 0; round < 30; round++) {
      const user = `${round}`;
      const put = (cache: MessageCache, place: number): Promise<void> => {
        const timestamp = `2026-01-01 00:00:00.00000${place}`;
        const message_id = `${round}-${place}`;
        return cache.putInbound(remembered({ message_id, from_addr: user, timestamp }));
      };
      const claims = [one, other].map((cache, index) =>
        cache.claimNote(note({ id: user, value: `${index}` }))
      );
      await Promise.all([put(one, 9), put(other, 3), put(one, 1), put(other, 8), put(other, 5)]);
      assert.equal((await one.getLastInbound(user))?.message_id, `${round}-9`);
      assert.equal((await other.getLastInbound(user))?.message_id, `${round}-9`);
      assert.equal(new Set(await Promise.all(claims)).size, 1);
    }
  });
}
