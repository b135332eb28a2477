// Finds out whether a Redis server will do as a cache, for the command `check`: writes, reads,
// deletes under a key of its own, and leaves things as they were.

import type { Finding } from "../../telemetry/mod.ts";
import { CacheError } from "../store.ts";
import { parseRedisUrl } from "./address.ts";
import { RedisConnection, type RedisConnectionOptions } from "./connection.ts";

/** Tries the server of a cache. Throws `TypeError` if the address can't be read. */
export async function checkRedis(
  options: RedisConnectionOptions & { readonly keyPrefix: string },
): Promise<Finding> {
  const { host, connect } = parseRedisUrl(options.url);
  const subject = `cache on Redis at ${host}`;
  try {
    await using connection = await RedisConnection.open(options);
    const key = `${options.keyPrefix}check:${crypto.randomUUID()}`;
    // Each command that the cache needs, so that a right that the user has not got is found now.
    await connection.sendAll("write to", [
      ["hincrby", key, "field", 1],
      ["expire", key, 60],
      ["hgetall", key],
      ["set", key, "written", "px", 60_000],
      ["get", key],
      ["del", key],
    ]);
    return { subject, ok: true, detail: "can be read and written" };
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    const more = connect.sentinels ? ", with sentinel_username and sentinel_password" : "";
    const fix = `check that Redis runs there, and that message_cache_config.url is right${more}`;
    return { subject, ok: false, detail: error.message, fix };
  }
}
