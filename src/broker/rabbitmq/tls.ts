/**
 * Why a server can't be reached, when TLS has to do with it: on Deno 2.6 amqplib learns of a
 * failed handshake no more than "write UNKNOWN", for it has begun to write. So one is tried once more,
 * with nothing written.
 *
 * @module
 */

import { connect } from "node:tls";
import { type AmqpAddress, describeFault } from "./address.ts";

/**
 * How long it is waited for what is wrong, in milliseconds. A server that wants a certificate of ours
 * says so after its own part of the handshake is over.
 */
const TIMEOUT_MS = 2_000;

/** Why there is no connection, in words for an operator, after an attempt has ended with `error`. */
export async function connectFault(
  error: unknown,
  address: AmqpAddress,
  signal?: AbortSignal,
): Promise<string> {
  const fault = address.connect.protocol === "amqps" && isVague(error)
    ? await handshakeFault(address, signal)
    : undefined;
  return describeFault(fault ?? error, address);
}

/** What RabbitMQ says in AMQP, and the system of a connection, has nothing to do with TLS. */
function isVague(error: unknown): boolean {
  const text = error instanceof Error ? error.message : String(error);
  return !/^Handshake terminated by server|^Expected |^connect E|no answer in|getaddrinfo/.test(
    text,
  );
}

/** What goes wrong with TLS by itself; undefined if nothing does. */
async function handshakeFault(
  { connect: { hostname: host = "", port = 0 }, tls }: AmqpAddress,
  signal: AbortSignal | undefined,
): Promise<Error | undefined> {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  const ended = (): void => resolve(undefined);
  const socket = connect({ host, port, ...tls });
  socket.on("error", resolve);
  socket.on("close", ended);
  signal?.addEventListener("abort", ended);
  const timer = setTimeout(ended, TIMEOUT_MS);
  const fault = await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", ended);
  socket.destroy();
  return fault;
}
