/**
 * Who else consumes a queue. RabbitMQ hands each message to one consumer only, so that a second one
 * takes messages away from the first.
 *
 * @module
 */

import { connect } from "amqplib";
import { describeFault, parseAddress, socketOptions } from "./amqp_address.ts";

/** The server can't be asked; the message says why. */
export class AmqpUnreachableError extends Error {
  /** Tells it from other errors in a log. */
  override readonly name = "AmqpUnreachableError";
}

const NO_SUCH_QUEUE = 404;

/**
 * How many consumers `queue` has: 0 if there is no such queue. It declares nothing.
 *
 * @param timeoutMs Milliseconds for all of it.
 * @throws {AmqpUnreachableError} If the server can't be asked.
 */
export async function countConsumers(
  url: string,
  queue: string,
  timeoutMs: number,
): Promise<number> {
  const address = parseAddress(url);
  const socket = new AbortController();
  const timer = setTimeout(() => socket.abort(new Error("no answer in time")), timeoutMs);
  try {
    const model = await connect(address.connect, socketOptions("turn-channels", socket.signal));
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
    const reason = socket.signal.aborted ? "no answer in time" : describeFault(error, address);
    throw new AmqpUnreachableError(`Cannot ask RabbitMQ at ${address.host}: ${reason}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    socket.abort();
  }
}
