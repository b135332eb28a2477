// The address of a Redis server, or of the Sentinels that know which one is the primary: what ioredis
// needs to connect, and what to call its failures. What is said here never holds a password.

import type { RedisOptions } from "ioredis";
import { messageOf } from "../../async/mod.ts";

export interface RedisAddress {
  readonly connect: Omit<RedisOptions, "replyMapping">;
  /** For people: `host:port`, or the primary's name and its Sentinels. */
  readonly host: string;
  /** What is connected to first, each as `host:port`, for permissions. */
  readonly hosts: readonly string[];
}

/** How to log in to Sentinels, where they ask for it. */
export interface SentinelLogin {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** Scheme, Sentinel or not, user and password with the @, hosts, path. */
const ADDRESS = /^(rediss?)(\+sentinel)?:\/\/([^\s/?#]*@)?([^\s@/?#]+)(\/[^\s?#]*)?$/i;
const DATABASE = /^()\/?(\d{0,4})$/;
const NAME_AND_DATABASE = /^\/([\w.-]+)(?:\/(\d{0,4}))?$/;

/**
 * Reads `redis://[[user]:password@]host[:port][/database]`, and with Sentinel
 * `redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/name[/database]`; `rediss` for TLS. User
 * and password are Redis's own. Ports default to 6379, and 26379 with Sentinel, the database to 0.
 * @throws {TypeError} If it is not such an address.
 */
export function parseRedisUrl(text: string, login: SentinelLogin = {}): RedisAddress {
  const [, scheme = "", sentinel, user = "", list = "", path = ""] = ADDRESS.exec(text) ?? [];
  const [, name, database] = (sentinel ? NAME_AND_DATABASE : DATABASE).exec(path) ?? [];
  const urls = (sentinel ? list.split(",") : [list])
    .map((host) => URL.parse(`redis://${user}${host}`));
  const isRead = urls.every((url): url is URL => url !== null && url.hostname !== "");
  const [url] = urls;
  if (name === undefined || !isRead || !url) {
    // The address may hold a password, so it is not repeated.
    throw new TypeError(
      "Cannot read the Redis address: it must be redis://…, rediss://…, or redis+sentinel://…/NAME",
    );
  }
  const { username, password } = url;
  const servers = urls.map(({ hostname, port }) => ({
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port) || (sentinel ? 26379 : 6379),
  }));
  // An empty object is how ioredis is told to use TLS.
  const isTls = scheme.toLowerCase() === "rediss";
  const hosts = urls.map(({ hostname }, index) => `${hostname}:${servers[index]?.port}`);
  return {
    connect: {
      db: Number(database ?? 0),
      ...(username ? { username: decodeURIComponent(username) } : {}),
      ...(password ? { password: decodeURIComponent(password) } : {}),
      ...(isTls ? { tls: {} } : {}),
      ...(sentinel
        ? {
          sentinels: servers,
          name,
          ...(login.username ? { sentinelUsername: login.username } : {}),
          ...(login.password ? { sentinelPassword: login.password } : {}),
          ...(isTls ? { sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
        }
        : servers[0]),
    },
    host: sentinel ? `${name} (by Sentinel at ${hosts.join(", ")})` : hosts.join(),
    hosts,
  };
}

/**
 * What a server answers that is not, or no longer, the one to talk to: a replica, one that loads its
 * data, one that has lost the others. Redis before 7 has it amid the error of a script.
 */
const NOT_PRIMARY = /(?:^|: -)(READONLY|MASTERDOWN|LOADING|CLUSTERDOWN|MOVED|NOREPLICAS)\b/;

/** Whether another server may be the primary behind the same address by now. */
export function isNotPrimary(error: unknown): boolean {
  return NOT_PRIMARY.test(textOf(error));
}

/**
 * Says what went wrong, in words for an operator. Servers and ioredis quote commands in their errors,
 * and commands hold the password and what users are called: they are left out.
 */
export function describeRedisFault(error: unknown, { connect, hosts }: RedisAddress): string {
  // Deno 2.6 reports an address that it was not allowed to reach as ECONNREFUSED.
  const denied = hosts.find((host) =>
    Deno.permissions.querySync({ name: "net", host }).state !== "granted"
  );
  if (denied !== undefined) {
    return `this program has no permission to reach ${denied}: it needs --allow-net=${denied}`;
  }
  const text = textOf(error);
  if (/^WRONGPASS|invalid (username-)?password/.test(text)) {
    return "Redis refused the user or the password";
  }
  if (text.startsWith("NOAUTH")) return "Redis requires a password, and none is configured";
  if (NOT_PRIMARY.exec(text)?.[1] === "READONLY") return REPLICA;
  const [plain = ""] = text.split(/,? with args beginning with|,? script: /);
  const secrets = [connect.password, connect.sentinelPassword].filter(Boolean).map(String);
  const safe = secrets.reduce((said, secret) => said.replaceAll(secret, "********"), plain);
  return safe || "the connection ended";
}

/** What is said of a server that others are to be looked for. */
export const REPLICA = "it is a replica, which takes no writes";

/** What ioredis says of a Sentinel that could not tell where the primary is. */
const SENTINEL_FAULT = /^(?:failed to connect to|connected to) sentinel (\S+)(?: because ([^]*))?/;

/** Puts that into words for an operator. */
export function describeSentinelFault({ message }: Error, address: RedisAddress): string {
  const [, host, why] = SENTINEL_FAULT.exec(message) ?? [];
  if (why === undefined) return `Sentinel ${host} knows no primary ${address.connect.name}`;
  if (/^(NOAUTH|WRONGPASS)/.test(why)) {
    return `Sentinel ${host} asks for sentinel_username or sentinel_password, or refused them`;
  }
  const isAway = why === "" || why.startsWith("Connection is closed");
  const words = isAway ? "can't be reached" : describeRedisFault(new Error(why), address);
  return `Sentinel ${host}: ${words}`;
}

/** An error's own words; of several (one for each address of a host) those of all. */
function textOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(textOf).join(", ");
  return messageOf(error);
}
