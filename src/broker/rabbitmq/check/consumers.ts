/**
 * Who else consumes a queue. RabbitMQ hands each message to one consumer only, so that a second one
 * takes messages away from the first.
 *
 * @module
 */

import { type AmqpAddress, type AmqpTls, connectFault, parseAddress } from "../address.ts";
import { codeOf, NOT_FOUND } from "../server_errors.ts";
import { connectOnce } from "./single_connection.ts";

/** The server can't be asked; the message says why. */
export class AmqpUnreachableError extends Error {
  override readonly name = "AmqpUnreachableError";
}

export interface ConsumersOptions {
  /** The addresses of a server, or of the nodes of a cluster; they are tried one after the other. */
  readonly urls: readonly string[];
  readonly tls?: AmqpTls;
}

/**
 * How many consumers `queue` has: 0 if there is no such queue. It declares nothing.
 *
 * @param timeoutMs Milliseconds for each address.
 * @throws {AmqpUnreachableError} If no server can be asked; it tells of the last one.
 */
export async function countConsumers(
  { urls, tls }: ConsumersOptions,
  queue: string,
  timeoutMs: number,
): Promise<number> {
  let fault = new AmqpUnreachableError("Cannot ask RabbitMQ: no address");
  for (const url of urls) {
    const address = parseAddress(url, tls);
    try {
      return await countAt(address, queue, timeoutMs);
    } catch (error) {
      fault = new AmqpUnreachableError(
        `Cannot ask RabbitMQ at ${address.host}: ${await connectFault(error, address)}`,
        { cause: error },
      );
    }
  }
  throw fault;
}

async function countAt(address: AmqpAddress, queue: string, timeoutMs: number): Promise<number> {
  const socket = new AbortController();
  const slow = new Error("no answer in time");
  const timer = setTimeout(() => socket.abort(slow), timeoutMs);
  try {
    const { model, close, ended } = await connectOnce("turn-channels", address, socket.signal);
    const channel = await model.createChannel();
    channel.on("error", () => {});
    const count = await channel.checkQueue(queue).then(
      ({ consumerCount }) => consumerCount,
      (error) => codeOf(error) === NOT_FOUND ? 0 : Promise.reject(error),
    );
    close();
    await ended;
    return count;
  } catch (error) {
    throw socket.signal.aborted ? slow : error;
  } finally {
    clearTimeout(timer);
    socket.abort();
  }
}
