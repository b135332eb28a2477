// The address of a Redis server: what ioredis needs to connect to it, and what to call its
// failures. What is said here never holds the password.

import type { RedisOptions } from "ioredis";
import { messageOf } from "../../async/mod.ts";

export interface RedisAddress {
  readonly connect: Pick<RedisOptions, "host" | "port" | "db" | "username" | "password" | "tls">;
  /** `host:port`, for people and for permissions. */
  readonly host: string;
}

/**
 * Reads `redis://[[user]:password@]host[:port][/database]`, and `rediss://` for TLS. The port
 * defaults to 6379, the database to 0.
 * @throws {TypeError} If it is not such an address.
 */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.parse(text);
  const database = /^\/?(\d{0,4})$/.exec(url?.pathname ?? "")?.[1];
  if (!url?.hostname || !/^rediss?:$/.test(url.protocol) || database === undefined) {
    // The address may hold a password, so it is not repeated.
    throw new TypeError("Cannot read the Redis address: it must be redis://… or rediss://…");
  }
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || 6379;
  return {
    connect: {
      host: hostname,
      port,
      db: Number(database),
      ...(url.username ? { username: decodeURIComponent(url.username) } : {}),
      ...(url.password ? { password: decodeURIComponent(url.password) } : {}),
      // An empty object is how ioredis is told to use TLS; the name is for certificates.
      ...(url.protocol === "rediss:" ? { tls: { servername: hostname } } : {}),
    },
    host: `${url.hostname}:${port}`,
  };
}

/**
 * Says what went wrong, in words for an operator. Servers and ioredis quote commands in their errors,
 * and commands hold the password and what users are called: they are left out.
 */
export function describeRedisFault(error: unknown, { connect, host }: RedisAddress): string {
  // Deno 2.6 reports an address that it was not allowed to reach as ECONNREFUSED.
  if (Deno.permissions.querySync({ name: "net", host }).state !== "granted") {
    return `this program has no permission to reach ${host}: it needs --allow-net=${host}`;
  }
  const text = textOf(error);
  if (/^WRONGPASS|invalid (username-)?password/.test(text)) {
    return "Redis refused the user or the password";
  }
  if (text.startsWith("NOAUTH")) return "Redis requires a password, and none is configured";
  const [plain = ""] = text.split(/,? with args beginning with|,? script: /);
  const { password = "" } = connect;
  return (password ? plain.replaceAll(password, "********") : plain) || "the connection ended";
}

/** An error's own words; of several (one for each address of a host) those of all. */
function textOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(textOf).join(", ");
  return messageOf(error);
}
