// The address of an AMQP server: what amqplib needs to connect to it, and why that fails, in words for
// an operator. What is said here never holds the password.

import type { Options, SocketOptions } from "amqplib";
import { isIP } from "node:net";
import { connect, type ConnectionOptions } from "node:tls";
import { messageOf } from "./server_errors.ts";
import { EXPIRED, within } from "../../async/mod.ts";

/** Seconds between heartbeats, unless the address has a `heartbeat` of its own. */
const HEARTBEAT_S = 5;
/** Longest silence of the server while connecting; another may be at hand. */
const CONNECT_TIMEOUT_MS = 4_000;
/** How long to wait for a TLS fault: a server misses our certificate only after its own handshake. */
const HANDSHAKE_MS = 2_000;

/** The reason for a refused login: to try again is of no use for now. */
export const LOGIN_REFUSED = "RabbitMQ refused the user or the password";

/** TLS to a server at `amqps://`; each text is PEM. */
export interface AmqpTls {
  /** Certificates that the server's is trusted by, in place of the usual ones. */
  readonly ca?: string;
  /** Our certificate, and what leads from it to its issuer. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate is for, if it is not the host's. */
  readonly serverName?: string;
}

export interface AmqpAddress {
  /** The first argument of amqplib's `connect`. */
  readonly connect: Options.Connect;
  /** `host:port`, for people and for permissions. */
  readonly host: string;
  readonly vhost: string;
  readonly tls: ConnectionOptions;
}

/**
 * Reads `amqp://` and `amqps://` addresses. User and password default to guest, the virtual host to
 * `/`. amqplib would take the address itself, but decodes percent signs as Latin-1.
 * @throws {TypeError} If it is not such an address.
 */
export function parseAddress(text: string, tls: AmqpTls = {}): AmqpAddress {
  const url = URL.parse(text);
  const protocol = url?.protocol.slice(0, -1);
  if (!url?.hostname || (protocol !== "amqp" && protocol !== "amqps")) {
    // The address may hold a password, so it is not repeated.
    throw new TypeError("Cannot read the AMQP address: it must be amqp://… or amqps://…");
  }
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (protocol === "amqp" ? 5672 : 5671);
  const heartbeat = Number(url.searchParams.get("heartbeat") ?? HEARTBEAT_S);
  if (!Number.isInteger(heartbeat)) {
    throw new TypeError("Cannot read the AMQP address: heartbeat must be a whole number");
  }
  const credentials = url.username || url.password
    ? { username: decode(url.username), password: decode(url.password) }
    : {};
  const vhost = url.pathname.slice(1);
  return {
    // amqplib decodes the virtual host.
    connect: { protocol, hostname, port, vhost, heartbeat, ...credentials },
    host: `${url.hostname}:${port}`,
    vhost: decode(vhost) || "/",
    tls: protocol === "amqps" ? tlsOptions(tls, hostname) : {},
  };
}

function tlsOptions({ serverName, ...pems }: AmqpTls, hostname: string): ConnectionOptions {
  // TLS tells the server a name only, never an address.
  const servername = serverName || (isIP(hostname) ? "" : hostname);
  return { ...pems, ...(servername && { servername }) };
}

/** The second argument of amqplib's `connect`; the socket is destroyed when `signal` fires. */
export function socketOptions(
  name: string,
  { tls }: AmqpAddress,
  signal: AbortSignal,
): SocketOptions {
  const options: SocketOptions & { signal: AbortSignal } = {
    ...tls,
    noDelay: true,
    timeout: CONNECT_TIMEOUT_MS,
    clientProperties: { product: "turn-channels", connection_name: name },
    signal, // Handed on to the socket's constructor, which amqplib's types do not tell.
  };
  return options;
}

/** Why there is no connection, in words for an operator. */
export function describeFault(error: unknown, { host, vhost }: AmqpAddress): string {
  // Deno 2.6 reports an address that it was not allowed to reach as ECONNREFUSED.
  if (Deno.permissions.querySync({ name: "net", host }).state !== "granted") {
    return `this program has no permission to reach ${host}: it needs --allow-net=${host}`;
  }
  const text = messageOf(error);
  if (text.includes("ACCESS_REFUSED - Login")) return LOGIN_REFUSED;
  // The server's own words for a refused virtual host are lost in amqplib.
  if (text.startsWith("Expected ConnectionOpenOk; got <ConnectionClose")) {
    return `RabbitMQ refused the virtual host "${vhost}": it does not exist, or the user may not use it`;
  }
  // amqplib's, and not the system's, which names the address.
  if (text === "connect ETIMEDOUT") return `no answer within ${CONNECT_TIMEOUT_MS / 1000} seconds`;
  return text || "the connection ended";
}

/**
 * Why an attempt to connect has ended, in words for an operator. On Deno 2.6 amqplib learns of a failed
 * TLS handshake no more than "write UNKNOWN", for it has begun to write. So one is tried once more, with
 * nothing written.
 */
export async function connectFault(
  error: unknown,
  address: AmqpAddress,
  signal: AbortSignal,
): Promise<string> {
  const fault = address.connect.protocol === "amqps" && isVague(error)
    ? await handshakeFault(address, signal)
    : undefined;
  return describeFault(fault ?? error, address);
}

/** Whether it may be about TLS: what RabbitMQ says in AMQP, and the system of a connection, is not. */
function isVague(error: unknown): boolean {
  return !/^Handshake terminated by server|^Expected |^connect E|no answer in|getaddrinfo/.test(
    messageOf(error),
  );
}

/** Makes a TLS connection only. The error, if that fails. */
async function handshakeFault(
  { connect: { hostname: host = "", port = 0 }, tls }: AmqpAddress,
  signal: AbortSignal,
): Promise<Error | undefined> {
  const socket = connect({ host, port, ...tls });
  const ended = new Promise<Error | undefined>((resolve) => {
    socket.on("error", resolve);
    socket.on("close", () => resolve(undefined));
  });
  const fault = await within(ended, HANDSHAKE_MS, signal);
  socket.destroy();
  return fault === EXPIRED ? undefined : fault;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A percent sign that stands for itself.
  }
}
