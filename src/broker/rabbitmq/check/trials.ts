// Trials of rights that leave nothing behind: no consumer, and no message.

import { Buffer } from "node:buffer";
import type { ChannelModel, ConfirmChannel } from "amqplib";
import { serverWords } from "../server_errors.ts";

/**
 * Tries the right to consume, and no more. The server looks at the right first, then at the arguments:
 * at a priority that is no number it stops, so there never is a consumer, and no message comes.
 */
export async function mayConsume(channel: ConfirmChannel, queue: string): Promise<string> {
  const { consumerCount } = await channel.checkQueue(queue);
  try {
    const { consumerTag } = await channel.consume(queue, () => {}, {
      arguments: { "x-priority": "none" },
    });
    await channel.cancel(consumerTag);
  } catch (error) {
    if (!/PRECONDITION_FAILED - invalid arg 'x-priority'/.test(serverWords(error))) throw error;
  }
  return consumerCount === 0 ? "allowed" : `allowed; consumers now: ${consumerCount}`;
}

/** Publishes with a routing key that nobody has bound: it comes back, and then it is confirmed. */
export function mayPublish(
  model: ChannelModel,
  channel: ConfirmChannel,
  exchange: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    model.on("blocked", (reason) => reject(new Error(`publishing is blocked: ${reason}`)));
    channel.on("error", reject);
    channel.on("close", () => reject(new Error("the channel was closed")));
    const key = `turn-channels.check.${crypto.randomUUID()}`;
    channel.publish(exchange, key, Buffer.alloc(0), { mandatory: true }, (error) => {
      if (!error) resolve("messages are taken");
    });
  });
}
