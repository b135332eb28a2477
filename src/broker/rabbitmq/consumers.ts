/**
 * Who else consumes a queue. RabbitMQ hands each message to one consumer only, so that a second one
 * takes messages away from the first.
 *
 * @module
 */

import { connect } from "amqplib";
import { type AmqpAddress, type AmqpTls, parseAddress, socketOptions } from "./address.ts";
import { connectFault } from "./tls.ts";

/** The server can't be asked; the message says why. */
export class AmqpUnreachableError extends Error {
  /** Tells it from other errors in a log. */
  override readonly name = "AmqpUnreachableError";
}

const NO_SUCH_QUEUE = 404;

/** Where {@linkcode countConsumers} asks. */
export interface ConsumersOptions {
  /** The addresses of a server, or of the nodes of a cluster; they are tried one after the other. */
  readonly urls: readonly string[];
  /** Whom to trust at `amqps://…`, and who we are. */
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
    const model = await connect(
      address.connect,
      socketOptions("turn-channels", address, socket.signal),
    );
    // What it says comes with the call that fails; without a listener it would be thrown.
    model.on("error", () => {});
    const ended = new Promise<void>((resolve) => model.on("close", () => resolve()));
    const channel = await model.createChannel();
    channel.on("error", () => {});
    const count = await channel.checkQueue(queue).then(
      ({ consumerCount }) => consumerCount,
      (error) => error.code === NO_SUCH_QUEUE ? 0 : Promise.reject(error),
    );
    model.close().catch(() => {}); // It rejects if the connection has ended.
    await ended;
    return count;
  } catch (error) {
    throw socket.signal.aborted ? slow : error;
  } finally {
    clearTimeout(timer);
    socket.abort();
  }
}
