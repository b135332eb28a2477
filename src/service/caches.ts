/**
 * The message caches: one store as the configuration names it, and in it a part for each channel.
 *
 * @module
 */

import { DenoKvMessageCache } from "../cache/deno_kv/deno_kv_cache.ts";
import { MemoryMessageCache } from "../cache/memory.ts";
import type { Lifetimes, MessageCache } from "../cache/mod.ts";
import type { RedisMessageCache } from "../cache/redis/redis_cache.ts";
import type { ChannelConfig } from "../config/mod.ts";

/**
 * Opens a cache for each of the channels, in their order. They are closed with `opened`.
 *
 * @throws {CacheError} If the store can't be opened.
 */
export async function openCaches(
  channels: readonly ChannelConfig[],
  opened: AsyncDisposableStack,
): Promise<readonly MessageCache[]> {
  const [first, ...others] = channels;
  if (first === undefined) return [];
  const cache = opened.use(await openCache(first));
  return [cache, ...others.map((channel) => opened.use(partOf(cache, channel)))];
}

async function openCache(
  channel: ChannelConfig,
): Promise<MemoryMessageCache | DenoKvMessageCache | RedisMessageCache> {
  const { connector_name: namespace, message_cache_class, message_cache_config } = channel;
  const { path, url } = message_cache_config;
  switch (message_cache_class) {
    case "MemoryMessageCache":
      return new MemoryMessageCache(lifetimesOf(channel));
    case "DenoKvMessageCache":
      return await DenoKvMessageCache.open({ ...lifetimesOf(channel), path, namespace });
    case "RedisMessageCache": {
      // Loaded only where it is used: its client takes a seventh of a start, and of the memory at rest.
      const { RedisMessageCache } = await import("../cache/redis/redis_cache.ts");
      const keyPrefix = redisPrefix(channel);
      return await RedisMessageCache.open({ ...lifetimesOf(channel), url, keyPrefix });
    }
  }
}

function partOf(
  cache: Awaited<ReturnType<typeof openCache>>,
  channel: ChannelConfig,
): MessageCache {
  const lifetimes = lifetimesOf(channel);
  if (cache instanceof MemoryMessageCache) return new MemoryMessageCache(lifetimes);
  return cache instanceof DenoKvMessageCache
    ? cache.share({ ...lifetimes, namespace: channel.connector_name })
    : cache.share({ ...lifetimes, keyPrefix: redisPrefix(channel) });
}

function lifetimesOf({ message_cache_config }: ChannelConfig): Lifetimes {
  const { timeout, outbound_timeout } = message_cache_config;
  return { inboundTtlMs: timeout * 1000, outboundTtlMs: outbound_timeout * 1000 };
}

/** What the keys of this channel begin with on Redis. */
export function redisPrefix({ connector_name, message_cache_config }: ChannelConfig): string {
  return `${message_cache_config.key_prefix}${connector_name}:`;
}
