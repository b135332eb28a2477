// The message caches: one store as the configuration names it, and in it a part for each channel.

import { DenoKvFile } from "../cache/deno_kv/deno_kv_file.ts";
import { DenoKvStore } from "../cache/deno_kv/deno_kv_store.ts";
import { MemoryStore } from "../cache/memory.ts";
import { MessageCache, type Store } from "../cache/mod.ts";
import type { ChannelConfig } from "../config/mod.ts";

const REDIS_MS = 1000;

/**
 * Opens a cache for each of the channels. They are closed with `opened`.
 * @throws {CacheError} If the store can't be opened.
 */
export async function openCaches(
  channels: readonly ChannelConfig[],
  opened: AsyncDisposableStack,
): Promise<ReadonlyMap<ChannelConfig, MessageCache>> {
  const caches = new Map<ChannelConfig, MessageCache>();
  const [first] = channels;
  if (first === undefined) return caches;
  const storeOf = await openStore(first, opened);
  for (const channel of channels) {
    const { timeout, outbound_timeout } = channel.message_cache_config;
    const lifetimes = { inboundTtlMs: timeout * 1000, outboundTtlMs: outbound_timeout * 1000 };
    const cache = new MessageCache({ ...lifetimes, store: storeOf(channel) });
    caches.set(channel, opened.use(cache));
  }
  return caches;
}

/** Opens what all channels share; answers how to get the store of one. */
async function openStore(
  { message_cache_class, message_cache_config: { path, url } }: ChannelConfig,
  opened: AsyncDisposableStack,
): Promise<(channel: ChannelConfig) => Store> {
  switch (message_cache_class) {
    case "MemoryMessageCache":
      return () => new MemoryStore();
    case "DenoKvMessageCache": {
      const file = opened.use(await DenoKvFile.open(path));
      return ({ connector_name: namespace }) => new DenoKvStore({ file, namespace });
    }
    case "RedisMessageCache": {
      // Loaded only where it is used: its client takes a seventh of a start, and of the memory at rest.
      const [{ RedisConnection }, { RedisStore }] = await Promise.all([
        import("../cache/redis/connection.ts"),
        import("../cache/redis/redis_store.ts"),
      ]);
      const connection = opened.use(await RedisConnection.open({ url, timeoutMs: REDIS_MS }));
      return (channel) => new RedisStore(connection, redisPrefix(channel));
    }
  }
}

export function redisPrefix({ connector_name, message_cache_config }: ChannelConfig): string {
  return `${message_cache_config.key_prefix}${connector_name}:`;
}
