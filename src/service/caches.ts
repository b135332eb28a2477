// The message caches: one store as the configuration names it, and in it a part for each channel.

import { DenoKvFile } from "../cache/deno_kv/deno_kv_file.ts";
import { DenoKvStore } from "../cache/deno_kv/deno_kv_store.ts";
import { MemoryStore } from "../cache/memory.ts";
import { MessageCache, type Store } from "../cache/mod.ts";
import type { ChannelConfig } from "../config/mod.ts";

const REDIS_MS = 1000;

/** `look` is for commands: the store has to be there, and nothing in it is made or changed. */
export type CacheUse = "work" | "look";

/**
 * Opens a cache for each of the channels. They are closed with `opened`.
 * @throws {CacheError} If the store can't be opened.
 */
export async function openCaches(
  channels: readonly ChannelConfig[],
  opened: AsyncDisposableStack,
  use: CacheUse = "work",
): Promise<ReadonlyMap<ChannelConfig, MessageCache>> {
  const caches = new Map<ChannelConfig, MessageCache>();
  const [first] = channels;
  if (first === undefined) return caches;
  const storeOf = await openStore(first, opened, use);
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
  config: ChannelConfig,
  opened: AsyncDisposableStack,
  use: CacheUse,
): Promise<(channel: ChannelConfig) => Store> {
  switch (config.message_cache_class) {
    case "MemoryMessageCache":
      return () => new MemoryStore();
    case "DenoKvMessageCache": {
      const { path } = config.message_cache_config;
      const isLook = use === "look";
      const file = opened.use(
        await (isLook ? DenoKvFile.openExisting(path) : DenoKvFile.open(path)),
      );
      return ({ connector_name: namespace }) => (
        new DenoKvStore({ file, namespace, tidies: !isLook })
      );
    }
    case "RedisMessageCache": {
      // Loaded only where it is used: its client takes a seventh of a start, and of the memory at rest.
      const [{ RedisConnection }, { RedisStore }] = await Promise.all([
        import("../cache/redis/connection.ts"),
        import("../cache/redis/redis_store.ts"),
      ]);
      const options = { ...redisServer(config), timeoutMs: REDIS_MS };
      const connection = opened.use(await RedisConnection.open(options));
      return (channel) => new RedisStore(connection, redisPrefix(channel));
    }
  }
}

/** Where its Redis is, and how to log in. */
export function redisServer({ message_cache_config }: ChannelConfig) {
  const { url, sentinel_username: username, sentinel_password: password } = message_cache_config;
  return { url, sentinel: { username, password } };
}

export function redisPrefix({ connector_name, message_cache_config }: ChannelConfig): string {
  return `${message_cache_config.key_prefix}${connector_name}:`;
}
