/**
 * Caches on Redis for tests, and a look at what lies on the server.
 *
 * @module
 */

import { Redis } from "ioredis";
import {
  RedisMessageCache,
  type RedisMessageCacheOptions,
} from "../../src/cache/redis/redis_cache.ts";

/** Milliseconds for which a cache of {@linkcode openRedis} remembers. */
export const DAY = 86_400_000;

/** A prefix that nobody else has. */
export function newPrefix(): string {
  return `test-${crypto.randomUUID()}:`;
}

/** Opens a cache under a prefix of its own, unless told otherwise. */
export function openRedis(
  options: Partial<RedisMessageCacheOptions> & { readonly url: string },
): Promise<RedisMessageCache> {
  const lifetimes = { inboundTtlMs: DAY, outboundTtlMs: DAY };
  // Far longer than it takes, on a machine that does other things too.
  return RedisMessageCache.open({
    keyPrefix: newPrefix(),
    timeoutMs: 20_000,
    ...lifetimes,
    ...options,
  });
}

/** A client of the tests' own. */
export async function connect(url: string): Promise<Redis & AsyncDisposable> {
  const redis = new Redis(url, { lazyConnect: true, disableClientInfo: true });
  await redis.connect();
  const ended = new Promise<void>((resolve) => redis.once("end", () => resolve()));
  return Object.assign(redis, {
    async [Symbol.asyncDispose]() {
      await redis.quit();
      await ended;
    },
  });
}

/** Lets time pass for all keys of a prefix: the server can't be told another time. */
export async function passTime(url: string, prefix: string, ms: number): Promise<void> {
  await using redis = await connect(url);
  const script = `
    for _, key in ipairs(redis.call("keys", ARGV[1] .. "*")) do
      local left = redis.call("pttl", key) - ARGV[2]
      if left > 0 then redis.call("pexpire", key, left) else redis.call("del", key) end
    end`;
  await redis.eval(script, 0, prefix, ms);
}
