/**
 * A connection for one question, which is not restored when it ends.
 *
 * @module
 */

import { type ChannelModel, connect } from "amqplib";
import { type AmqpAddress, socketOptions } from "../address.ts";

export interface SingleConnection {
  readonly model: ChannelModel;
  close(): void;
  readonly ended: Promise<void>;
}

/** Connects; the connection is destroyed when `signal` fires. */
export async function connectOnce(
  name: string,
  address: AmqpAddress,
  signal: AbortSignal,
): Promise<SingleConnection> {
  const model = await connect(address.connect, socketOptions(name, address, signal));
  // What it says comes with the call that fails; without a listener it would be thrown.
  model.on("error", () => {});
  const ended = new Promise<void>((resolve) => model.on("close", () => resolve()));
  // It rejects if the connection has ended by itself.
  return { model, ended, close: () => void model.close().catch(() => {}) };
}
