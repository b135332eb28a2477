/**
 * Trials of single rights that leave nothing behind. They answer with what was seen, and reject with
 * the server's words.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Channel, ChannelModel, ConfirmChannel } from "amqplib";
import { serverWords } from "../server_errors.ts";

const REFUSED = /^(PRECONDITION_FAILED|ACCESS_REFUSED)/;
/** Another type of exchange, for one, misdirects messages. */
const DOES_HARM = /inequivalent arg '(durable|auto_delete|type)'/;

/**
 * Tries the right to consume, and no more. The server looks at the right first, then at the arguments:
 * at a priority that is no number it stops, so there never is a consumer, and no message comes.
 */
export async function mayConsume(channel: Channel, queue: string): Promise<string> {
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

/**
 * Answers `kind` if the server would declare it so, and else how it differs, as far as that does no
 * harm: it was made by somebody else, or we have no right to make it.
 */
export async function asAskedFor(asked: Promise<unknown>, kind: string): Promise<string> {
  try {
    await asked;
    return kind;
  } catch (error) {
    const words = serverWords(error);
    if (!REFUSED.test(words) || DOES_HARM.test(words)) throw error;
    return `there (${words})`;
  }
}
