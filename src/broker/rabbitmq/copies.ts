// Publishes confirmed copies of messages to queues of ours, and to the end of their own: on a channel
// apart from that for vumi's queues, so that no fault of theirs is felt there. None needs a binding.

import type { ChannelModel, Options } from "amqplib";
import { ConfirmingChannel, ReturnedError } from "./confirms.ts";
import type { AmqpPublisher } from "./publisher.ts";
import { messageOf, serverWords } from "./server_errors.ts";
import { delayQueue, PublishError } from "../mod.ts";

export type CopyTarget =
  | { readonly kind: "own"; readonly queue: string }
  | { readonly kind: "queue"; readonly queue: string }
  | { readonly kind: "delay"; readonly queue: string; readonly delayMs: number };

export function firstQueueOf(target: CopyTarget): string {
  return target.kind === "delay" ? delayQueue(target.delayMs) : target.queue;
}

/** Publishes copies; what is in them is decided in copy_properties.ts. */
export class AmqpCopies {
  readonly #publisher: AmqpPublisher;
  #declared = new Set<string>();
  #channel: Promise<ConfirmingChannel> | undefined;

  constructor(publisher: AmqpPublisher) {
    this.#publisher = publisher;
  }

  /**
   * Resolves when the copy is confirmed. A block of the server is waited for, however long: to give up,
   * and to publish again, would make two messages of one.
   * @param isApart On a channel of its own, as it may end it.
   * @throws {PublishError} If it is not confirmed; a {@linkcode ChannelEndError} if RabbitMQ has ended
   * the channel over it, or over another one.
   */
  async publish(
    target: CopyTarget,
    body: Uint8Array,
    properties: Options.Publish,
    { isApart = false } = {},
  ): Promise<void> {
    const name = firstQueueOf(target);
    const { connection } = this.#publisher;
    const model = connection.current;
    if (model === undefined || connection.blocked) throw this.#publisher.unavailable(name);
    const channel = await (isApart ? openOn(model, name) : this.#open(model, name));
    const destination = target.kind === "delay"
      ? { exchange: name, routingKey: target.queue, queue: name }
      : { exchange: "", routingKey: name, queue: name };
    try {
      if (!this.#declared.has(name)) await this.#declare(target, name);
      await channel.publish(destination, body, properties);
    } catch (error) {
      // It may have been deleted: the next attempt declares it.
      if (error instanceof ReturnedError || channel.fault) this.#declared.delete(name);
      throw channel.fault === undefined ? error : new ChannelEndError(name, channel.fault);
    } finally {
      if (isApart) channel.close();
    }
  }

  #open(model: ChannelModel, name: string): Promise<ConfirmingChannel> {
    if (this.#channel !== undefined) return this.#channel;
    const onEnd = (): void => {
      if (this.#channel !== opened) return;
      this.#channel = undefined;
      this.#declared = new Set();
    };
    const opened = openOn(model, name, onEnd);
    opened.catch(onEnd);
    return this.#channel = opened;
  }

  async #declare(target: CopyTarget, name: string): Promise<void> {
    const { declarer } = this.#publisher;
    const declared = this.#declared;
    try {
      if (target.kind === "own") await declarer?.ownQueue(name);
      if (target.kind === "delay") await declarer?.delay(target.delayMs);
      declared.add(name);
    } catch (cause) {
      throw new PublishError("refused", `Cannot declare ${name}: ${messageOf(cause)}`, { cause });
    }
  }
}

/** RabbitMQ has ended the channel, for this message or for another one that was published beside it. */
export class ChannelEndError extends PublishError {
  constructor(queue: string, cause: Error) {
    super("unconfirmed", `Cannot publish to ${queue}: ${serverWords(cause)}`, { cause });
  }
}

async function openOn(
  model: ChannelModel,
  queue: string,
  onEnd?: () => void,
): Promise<ConfirmingChannel> {
  try {
    const channel = await model.createConfirmChannel();
    if (onEnd) channel.on("close", onEnd);
    return new ConfirmingChannel(channel);
  } catch (cause) {
    const message = `Cannot publish to ${queue}: ${messageOf(cause)}`;
    throw new PublishError("unavailable", message, { cause });
  }
}
