// Addresses as the configuration writes them: where to listen, and the broker's URL.

import type { ChannelConfig } from "./schema.ts";

/** An address to listen on. */
export type Bind =
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Reads `host:port`, `[::1]:port` or `unix:/path`; anything else is undefined. */
export function parseBind(text: string): Bind | undefined {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    return path === "" || path.includes("\0") ? undefined : { kind: "unix", path };
  }
  const { hostname, port } = parseHost(text) ?? {};
  return hostname === undefined || port === undefined ? undefined : { kind: "tcp", hostname, port };
}

/** Writes what {@linkcode parseBind} reads. */
export function formatBind(bind: Bind): string {
  return bind.kind === "unix" ? `unix:${bind.path}` : `${bracketed(bind.hostname)}:${bind.port}`;
}

/** Whether it is a host name, an IPv4 address, or an IPv6 address without brackets. */
function isHostname(text: string): boolean {
  return /^([\w.-]+|[\da-f:.]+)$/i.test(text) && URL.canParse(`http://${bracketed(text)}/`);
}

function bracketed(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

const HOST = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i;

/**
 * Reads `host`, `host:port`, `::1`, `[::1]` or `[::1]:port`; anything else is undefined.
 * @returns The host name without brackets.
 */
export function parseHost(text: string) {
  if (isHostname(text)) return { hostname: text, port: undefined };
  const [, ipv6, name, digits] = HOST.exec(text) ?? [];
  const hostname = ipv6 ?? name;
  const port = digits === undefined ? undefined : Number(digits);
  if (hostname === undefined || !isHostname(hostname) || (port ?? 0) > 65535) return undefined;
  return { hostname, port };
}

const AMQP = /^amqps?:\/\/([^\s/?#]*@)?[^\s@/?#,]+(\/[^\s@/?#]*)?(\?[^\s@/#]*)?$/i;

/**
 * Whether it is an unambiguous AMQP URL: after an unescaped "/", "?" or "#" the rest of a password
 * would count as path, which does not connect, and is shown.
 */
export function isAmqpUrl(text: string): boolean {
  return AMQP.test(text) && isReadable(text);
}

const AMQP_OPTIONS = /^(\?(heartbeat=\d{1,5})?)?$/;

/** Whether the query of this AMQP URL has nothing but a valid heartbeat. */
export function hasKnownOptions(text: string): boolean {
  const { search, searchParams } = new URL(text);
  return AMQP_OPTIONS.test(search) && Number(searchParams.get("heartbeat") ?? 0) <= 65535;
}

const REDIS = /^rediss?:\/\/([^\s/?#]*@)?[^\s@/?#]+(\/\d{0,4})?$/i;

/** Scheme and user, the hosts of Sentinels, the primary's name and perhaps the database. */
const SENTINELS = /^(rediss?\+sentinel:\/\/(?:[^\s/?#]*@)?)([^\s@/?#]+)(\/[\w.-]+(?:\/\d{0,4})?)$/i;

/** The same of a Redis URL, which may name several Sentinels. */
export function isRedisUrl(text: string): boolean {
  const sentinels = SENTINELS.exec(text);
  if (sentinels === null) return REDIS.test(text) && isReadable(text);
  const [, before = "", hosts = "", after = ""] = sentinels;
  return hosts.split(",").every((host) => isReadable(before + host + after));
}

function isReadable(text: string): boolean {
  try {
    const { username, password, pathname, hostname } = new URL(text);
    for (const part of [username, password, pathname]) decodeURIComponent(part);
    return hostname !== "";
  } catch {
    return false;
  }
}

/** A valid server's URL with `hidden` in place of the password, and without its query. */
export function urlWithoutPassword(text: string, hidden: string): string {
  if (!isAmqpUrl(text) && !isRedisUrl(text)) return text; // memory:
  const [, before = "", hosts, after = ""] = SENTINELS.exec(text) ?? [];
  const url = new URL(hosts === undefined ? text : `${before}host${after}`);
  const { protocol, username, password, host, pathname } = url;
  const user = password === "" ? username : `${username}:${hidden}`;
  return `${protocol}//${user === "" ? "" : `${user}@`}${hosts ?? host}${pathname}`;
}

/**
 * The broker's URLs, with the password: `amqp_url`, else made of the parts of `amqp`. Several are nodes
 * of one cluster; "memory:" is always alone.
 */
export function amqpUrls(
  { amqp_url, amqp }: Pick<ChannelConfig, "amqp_url" | "amqp">,
): readonly string[] {
  if (amqp_url.length > 0) return amqp_url;
  const [user, password, vhost] = [amqp.username, amqp.password, amqp.vhost]
    .map(encodeURIComponent);
  // No key turns TLS on for these hosts; any key of amqp.tls does.
  const isTls = Object.values(amqp.tls).some((value) => value !== "");
  const [protocol, standard] = isTls ? ["amqps", 5671] : ["amqp", 5672];
  return amqp.hostname.flatMap((text) => {
    const { hostname, port = amqp.port ?? standard } = parseHost(text) ?? { hostname: text };
    return `${protocol}://${user}:${password}@${bracketed(hostname)}:${port}/${vhost}`;
  });
}
