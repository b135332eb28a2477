/**
 * Addresses as the configuration writes them: where to listen, and the broker's URL.
 *
 * @module
 */

/** Where to listen. */
export type Bind =
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

const TCP = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i;

/** Reads `host:port`, `[::1]:port` or `unix:/path`; anything else is undefined. */
export function parseBind(text: string): Bind | undefined {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    return path === "" || path.includes("\0") ? undefined : { kind: "unix", path };
  }
  const [, ipv6, name, digits] = TCP.exec(text) ?? [];
  const hostname = ipv6 ?? name;
  const port = Number(digits);
  if (hostname === undefined || !isHostname(hostname) || port > 65535) return undefined;
  return { kind: "tcp", hostname, port };
}

/** Writes what {@linkcode parseBind} reads. */
export function formatBind(bind: Bind): string {
  return bind.kind === "unix" ? `unix:${bind.path}` : `${bracketed(bind.hostname)}:${bind.port}`;
}

/** Whether this can stand for a host: a name, an IPv4 address, or an IPv6 address, bare. */
export function isHostname(text: string): boolean {
  return /^([\w.-]+|[\da-f:.]+)$/i.test(text) && URL.canParse(`http://${bracketed(text)}/`);
}

function bracketed(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

const AMQP = /^amqps?:\/\/([^\s/?#]*@)?[^\s@/?#]+(\/[^\s@/?#]*)?(\?[^\s@/#]*)?$/i;

/**
 * Whether this is an AMQP URL that is understood as it was meant. A password with an unescaped "/",
 * "?" or "#" makes its rest a part of the path, which would not connect, and be shown.
 */
export function isAmqpUrl(text: string): boolean {
  return AMQP.test(text) && isReadable(text);
}

const REDIS = /^rediss?:\/\/([^\s/?#]*@)?[^\s@/?#]+(\/\d{0,4})?$/i;

/** The same of a Redis URL. */
export function isRedisUrl(text: string): boolean {
  return REDIS.test(text) && isReadable(text);
}

function isReadable(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password, pathname, hostname } = new URL(text);
  return hostname !== "" && [username, password, pathname].every(isPercentEncoded);
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** A valid server's URL for people: `hidden` for the password, and without the options at its end. */
export function urlWithoutPassword(text: string, hidden: string): string {
  if (!isAmqpUrl(text) && !isRedisUrl(text)) return text; // memory:
  const { protocol, username, password, host, pathname } = new URL(text);
  const user = password === "" ? username : `${username}:${hidden}`;
  return `${protocol}//${user === "" ? "" : `${user}@`}${host}${pathname}`;
}

/** What of the configuration {@linkcode amqpUrl} needs. */
export interface AmqpAddress {
  /** Used as it is, unless it is empty. */
  readonly amqp_url: string;
  /** The parts of the URL otherwise. */
  readonly amqp: {
    readonly hostname: string;
    readonly port: number;
    readonly username: string;
    readonly password: string;
    readonly vhost: string;
  };
}

/** The broker's URL: `amqp_url`, else made of the parts of `amqp`. It holds the password. */
export function amqpUrl({ amqp_url, amqp }: AmqpAddress): string {
  if (amqp_url !== "") return amqp_url;
  const [user, password, vhost] = [amqp.username, amqp.password, amqp.vhost].map(
    encodeURIComponent,
  );
  return `amqp://${user}:${password}@${bracketed(amqp.hostname)}:${amqp.port}/${vhost}`;
}
