/**
 * The socket of a connection: how much came, and how it writes.
 *
 * @module
 */

import process from "node:process";
import type { Socket } from "node:net";
import type { ChannelModel } from "amqplib";

/** What amqplib's types do not tell of its connection. */
interface Hidden {
  readonly stream: Socket;
  readonly heartbeat: number;
}

/** How much was read from the connection. */
export function bytesRead(model: ChannelModel): number {
  return socketOf(model).bytesRead;
}

/** Seconds between heartbeats, as agreed upon with the server; 0 for none. */
export function heartbeatOf(model: ChannelModel): number {
  return (model.connection as unknown as Hidden).heartbeat;
}

/**
 * Makes what is written in one turn go out together from now on. amqplib writes each message and each
 * ack by itself, and each would be a packet of its own, for us and for RabbitMQ to handle. To leave that
 * to the kernel (Nagle's algorithm) would let single acks wait for the server's next word.
 */
export function writeTogether(model: ChannelModel): void {
  const stream = socketOf(model);
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

function socketOf(model: ChannelModel): Socket {
  return (model.connection as unknown as Hidden).stream;
}
