/**
 * How a connection writes: what is written in one turn goes out together. amqplib writes each message
 * and each ack by itself, and each would be a packet of its own, for us and for RabbitMQ to handle. To
 * leave that to the kernel (Nagle's algorithm) would let single acks wait for the server's next word.
 *
 * @module
 */

import process from "node:process";
import type { Writable } from "node:stream";
import type { ChannelModel } from "amqplib";

/** Makes the connection write so from now on. */
export function writeTogether(model: ChannelModel): void {
  // A part of amqplib that its types do not tell: the socket.
  const { stream } = model.connection as unknown as { readonly stream: Writable };
  const write = stream.write;
  const flush = (): void => stream.uncork();
  // deno-lint-ignore no-explicit-any -- Handed on as they come.
  stream.write = (...args: any[]): boolean => {
    if (stream.writableCorked === 0) {
      stream.cork();
      process.nextTick(flush);
    }
    return Reflect.apply(write, stream, args);
  };
}
