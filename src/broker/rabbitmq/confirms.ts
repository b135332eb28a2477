// Publishes on one channel with confirms. A message is sent `mandatory`, so one that no queue takes
// comes back instead of being dropped.

import { Buffer } from "node:buffer";
import { type ConfirmChannel, IllegalOperationError, type Message, type Options } from "amqplib";
import { PublishError } from "../mod.ts";

interface Destination {
  /** The exchange; "" for the default one, which needs no binding. */
  readonly exchange: string;
  readonly routingKey: string;
  /** The queue that it is meant for, to be named in errors. */
  readonly queue: string;
}

interface Pending {
  readonly destination: Destination;
  readonly content: Uint8Array;
  readonly reject: (error: PublishError) => void;
  readonly sentAt: number;
  returned: boolean;
}

export class ConfirmingChannel {
  readonly #channel: ConfirmChannel;
  readonly #pending = new Set<Pending>();
  readonly #taken = new Set<string>();
  /** Why the server ended the channel. */
  fault: Error | undefined;

  constructor(channel: ConfirmChannel) {
    this.#channel = channel;
    // Without a listener the error would end the connection.
    channel.on("error", (error) => this.fault = error);
    channel.on("return", (message) => this.#onReturn(message));
  }

  /**
   * Resolves when the message is confirmed in a queue.
   * @throws {PublishError} If it is not: `unavailable` if the channel has ended before, `refused` or
   * `unconfirmed` else.
   */
  publish(destination: Destination, body: Uint8Array, properties: Options.Publish): Promise<void> {
    return new Promise((resolve, reject) => {
      const content = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      const sentAt = performance.now();
      const pending: Pending = { destination, content, returned: false, reject, sentAt };
      const { exchange, routingKey, queue } = destination;
      try {
        this.#channel.publish(exchange, routingKey, content, properties, (error) => {
          this.#pending.delete(pending);
          if (error) return reject(publishError(queue, error));
          if (pending.returned) return reject(new ReturnedError(queue));
          this.#taken.add(queue);
          resolve();
        });
      } catch (error) {
        if (!(error instanceof IllegalOperationError)) return reject(error);
        const message = `Cannot publish to ${queue}: there is no connection to RabbitMQ`;
        return reject(new PublishError("unavailable", message, { cause: error }));
      }
      this.#pending.add(pending);
    });
  }

  /** How long the first message to a queue has waited, in milliseconds; 0 if none waits. */
  get waitedForFirstMs(): number {
    for (const { destination: { queue }, sentAt } of this.#pending) {
      if (!this.#taken.has(queue)) return performance.now() - sentAt;
    }
    return 0;
  }

  /** How long the oldest message has waited for its confirm, in milliseconds; 0 if none waits. */
  get waitedMs(): number {
    for (const { sentAt } of this.#pending) return performance.now() - sentAt;
    return 0;
  }

  /** Fails what is not confirmed; a confirm that comes all the same changes nothing. */
  giveUp(reason: string): void {
    for (const { destination, reject } of this.#pending) {
      reject(publishError(destination.queue, new Error(reason)));
    }
  }

  close(): void {
    // It rejects if the channel has ended by itself.
    this.#channel.close().catch(() => {});
  }

  /** The server returns a message before it confirms it, but does not say which one it was. */
  #onReturn({ fields: { exchange, routingKey }, content }: Message): void {
    for (const pending of this.#pending) {
      const { destination, returned } = pending;
      if (returned || destination.routingKey !== routingKey) continue;
      if (destination.exchange !== exchange || content.compare(pending.content) !== 0) continue;
      pending.returned = true;
      return;
    }
  }
}

export class ReturnedError extends PublishError {
  constructor(queue: string) {
    super("refused", `Cannot publish to ${queue}: no queue took it`);
  }
}

/** amqplib tells a nack from the channel's end by its message only. */
function publishError(queue: string, cause: Error): PublishError {
  if (cause.message === "message nacked") {
    const refused = `Cannot publish to ${queue}: RabbitMQ refused the message`;
    return new PublishError("refused", refused, { cause });
  }
  const message = `Cannot tell whether ${queue} has the message: ${cause.message}`;
  return new PublishError("unconfirmed", message, { cause });
}
