// The message caches: one store as the configuration names it, and in it a part for each channel.

import { DenoKvFile } from "../cache/deno_kv/deno_kv_file.ts";
import { DenoKvStore } from "../cache/deno_kv/deno_kv_store.ts";
import { MemoryStore } from "../cache/memory.ts";
import { CacheError, MessageCache, type Store, UserAddresses } from "../cache/mod.ts";
import type { ChannelConfig } from "../config/mod.ts";
import { nationalNumbersOf } from "./national_numbers.ts";

const REDIS_MS = 1000;

/** `look` is for commands: the store has to be there, and nothing in it is made or changed. */
export type CacheUse = "work" | "look";

/** A cache for each of the channels, and one for what is of all of them. */
export interface Caches {
  readonly of: ReadonlyMap<ChannelConfig, MessageCache>;
  readonly shared: MessageCache;
}

/** Takes the place of a connector's name, and can be none. */
const SHARED = "";

/**
 * Opens the caches of the channels, of which there is at least one. They are closed with `opened`.
 * @throws {CacheError} If the store can't be opened.
 */
export async function openCaches(
  channels: readonly ChannelConfig[],
  opened: AsyncDisposableStack,
  use: CacheUse = "work",
): Promise<Caches> {
  const [first] = channels;
  if (first === undefined) throw new TypeError("Cannot open caches: no channel");
  const storeOf = await openStore(first, opened, use);
  const open = async (config: ChannelConfig): Promise<MessageCache> => {
    const { connector_name, message_cache_config } = config;
    const addresses = new UserAddresses(await nationalNumbersOf(config));
    const { timeout, outbound_timeout } = message_cache_config;
    const lifetimes = { inboundTtlMs: timeout * 1000, outboundTtlMs: outbound_timeout * 1000 };
    return opened.use(
      new MessageCache({ ...lifetimes, addresses, store: storeOf(connector_name) }),
    );
  };
  const of = new Map<ChannelConfig, MessageCache>();
  for (const channel of channels) of.set(channel, await open(channel));
  return { of, shared: await open({ ...first, connector_name: SHARED }) };
}

/** Opens what all channels share; answers how to get the store of a connector. */
async function openStore(
  config: ChannelConfig,
  opened: AsyncDisposableStack,
  use: CacheUse,
): Promise<(connector: string) => Store> {
  switch (config.message_cache_class) {
    case "MemoryMessageCache":
      return () => new MemoryStore();
    case "DenoKvMessageCache": {
      const { path } = config.message_cache_config;
      const isLook = use === "look";
      const opening = isLook ? DenoKvFile.openExisting(path) : DenoKvFile.open(path);
      const file = opened.use(await opening.catch(nameKey));
      return (namespace) => new DenoKvStore({ file, namespace, tidies: !isLook });
    }
    case "RedisMessageCache": {
      // Loaded only where it is used: its client takes a seventh of a start, and of the memory at rest.
      const [{ RedisConnection }, { RedisStore }] = await Promise.all([
        import("../cache/redis/connection.ts"),
        import("../cache/redis/redis_store.ts"),
      ]);
      const options = { ...redisServer(config), timeoutMs: REDIS_MS };
      const connection = opened.use(await RedisConnection.open(options));
      return (connector) => (
        new RedisStore(connection, redisPrefix({ ...config, connector_name: connector }))
      );
    }
  }
}

/** Says in an error of the store which key of the configuration it is about. */
function nameKey(error: unknown): never {
  if (!(error instanceof CacheError)) throw error;
  throw new CacheError(`${error.message} (message_cache_config.path)`, { cause: error });
}

/** Where its Redis is, and how to log in. */
export function redisServer({ message_cache_config }: ChannelConfig) {
  const { url, sentinel_username: username, sentinel_password: password } = message_cache_config;
  return { url, sentinel: { username, password } };
}

export function redisPrefix({ connector_name, message_cache_config }: ChannelConfig): string {
  return `${message_cache_config.key_prefix}${connector_name}:`;
}
