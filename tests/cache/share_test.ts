/**
 * Caches that share a file or a connection: each does what every cache must do, and they know nothing
 * of one another.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DenoKvMessageCache } from "../../src/cache/deno_kv/deno_kv_cache.ts";
import { CacheError, type MessageCache } from "../../src/cache/mod.ts";
import { redisUrl } from "../support/redis.ts";
import { messageCacheContract } from "./contract.ts";
import { newPath, openFile } from "./deno_kv_files.ts";
import { newPrefix, openRedis, passTime } from "./redis_server.ts";
import { note, remembered } from "./samples.ts";

const LIFETIMES = { inboundTtlMs: 60_000, outboundTtlMs: 60_000 };
const IN = { flow: "inbound", result: "in" };

/** The part, which takes with it what it is a part of. */
function withOwner<T extends MessageCache>(part: T, owner: AsyncDisposable): T {
  const close = part[Symbol.asyncDispose].bind(part);
  return Object.assign(part, {
    async [Symbol.asyncDispose]() {
      await close();
      await owner[Symbol.asyncDispose]();
    },
  });
}

messageCacheContract({
  name: "DenoKvMessageCache.share()",
  open: async (options) => {
    const now = options.now;
    const path = newPath();
    const owner = await DenoKvMessageCache.open({ ...LIFETIMES, path, namespace: "a", now });
    return withOwner(owner.share({ ...options, namespace: "b" }), owner);
  },
});

let prefix = "";

messageCacheContract({
  name: "RedisMessageCache.share()",
  open: async (options) => {
    prefix = newPrefix();
    const owner = await openRedis({ ...LIFETIMES, url: redisUrl(), now: options.now });
    return withOwner(owner.share({ ...options, keyPrefix: prefix }), owner);
  },
  pass: (ms) => passTime(redisUrl(), prefix, ms),
  slackMs: 15_000,
});

/** A cache and one that shares with it. */
type Pair = readonly [owner: MessageCache, part: MessageCache];

const PAIRS: Readonly<Record<string, () => Promise<Pair>>> = {
  async DenoKvMessageCache() {
    const owner = await openFile(newPath());
    return [owner, owner.share({ ...LIFETIMES, namespace: "other" })];
  },
  async RedisMessageCache() {
    const owner = await openRedis({ url: redisUrl() });
    return [owner, owner.share({ ...LIFETIMES, keyPrefix: newPrefix() })];
  },
};

for (const [name, open] of Object.entries(PAIRS)) {
  Deno.test(`${name}.share() keeps what is put into each apart`, async () => {
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

  Deno.test(`${name}.share(): the first one goes on when the other is closed`, async () => {
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
