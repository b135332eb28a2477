/**
 * Caches on Redis for tests, and a look at what lies on the server.
 *
 * @module
 */

import { Redis } from "ioredis";
import { MessageCache, type MessageCacheOptions } from "../../src/cache/mod.ts";
import { RedisConnection } from "../../src/cache/redis/connection.ts";
import { RedisStore } from "../../src/cache/redis/redis_store.ts";
import { withOwner } from "./adapter.ts";

/** Milliseconds for which a cache of {@linkcode openRedis} remembers. */
export const DAY = 86_400_000;

/** What a cache may be told. */
type Options = Partial<Omit<MessageCacheOptions, "store">>;

/** A prefix that nobody else has. */
export function newPrefix(): string {
  return `test-${crypto.randomUUID()}:`;
}

/** Connects; what is asked may take far longer than it does, on a machine that does other things too. */
export function connectTo(url: string, timeoutMs = 20_000): Promise<RedisConnection> {
  return RedisConnection.open({ url, timeoutMs });
}

/** A cache under a prefix, on a connection that is open already. */
export function cacheOn(
  connection: RedisConnection,
  keyPrefix: string,
  options: Options = {},
): MessageCache {
  const store = new RedisStore(connection, keyPrefix);
  return new MessageCache({ inboundTtlMs: DAY, outboundTtlMs: DAY, ...options, store });
}

/** Opens a cache under a prefix of its own, unless told otherwise, on a connection of its own. */
export async function openRedis(
  { url, timeoutMs, keyPrefix = newPrefix(), ...options }: Options & {
    readonly url: string;
    readonly timeoutMs?: number;
    readonly keyPrefix?: string;
  },
): Promise<MessageCache> {
  const connection = await connectTo(url, timeoutMs);
  return withOwner(cacheOn(connection, keyPrefix, options), connection);
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
