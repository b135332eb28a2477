/**
 * Finds out whether a Redis server will do as a cache, for the command `check`: writes, reads,
 * deletes under a key of its own, and leaves things as they were.
 *
 * @module
 */

import type { Finding } from "../../telemetry/mod.ts";
import { CacheError } from "../store.ts";
import { parseRedisUrl } from "./address.ts";
import { RedisConnection } from "./connection.ts";

/** What {@linkcode checkRedis} tries. */
export interface RedisCheckOptions {
  /** The server's address; one that can be read. */
  readonly url: string;
  /** What the cache's keys begin with. */
  readonly keyPrefix: string;
  /** Longest time for an answer, in milliseconds. */
  readonly timeoutMs: number;
}

/** Tries the server of a cache. */
export async function checkRedis(
  { url, keyPrefix, timeoutMs }: RedisCheckOptions,
): Promise<Finding> {
  const { host } = parseRedisUrl(url);
  const subject = `cache on Redis at ${host}`;
  try {
    await using connection = await RedisConnection.open({ url, timeoutMs });
    await tryWriting(connection, `${keyPrefix}check:${crypto.randomUUID()}`);
    return { subject, ok: true, detail: "can be read and written" };
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    const fix = "see that Redis runs there, and that message_cache_config.url is right";
    return { subject, ok: false, detail: error.message, fix };
  }
}

/** Each command that the cache needs, so that a right that the user has not got is found now. */
async function tryWriting(connection: RedisConnection, key: string): Promise<void> {
  await connection.sendAll("write to", [
    ["hincrby", key, "field", 1],
    ["expire", key, 60],
    ["hgetall", key],
    ["set", key, "written", "px", 60_000],
    ["get", key],
    ["del", key],
  ]);
}
