// One AMQP channel, from its opening to its end. Messages that came on it can be answered on it and
// nowhere else, and not after its end.

import { type Channel as AmqpChannel, IllegalOperationError } from "amqplib";
import { onAbort } from "../../async/mod.ts";
import { log } from "../log.ts";

export class AmqpSession {
  readonly channel: AmqpChannel;
  readonly #lost = new AbortController();
  /** Fires when nothing can be answered any more. */
  readonly lost: AbortSignal = this.#lost.signal;
  readonly #ended: Promise<void>;
  inWork = 0;
  /** Why the server has closed the channel, if it has. */
  fault: Error | undefined;

  constructor(channel: AmqpChannel) {
    this.channel = channel;
    // Without a listener the error would end the connection.
    channel.on("error", (error) => this.fault = error);
    this.#ended = new Promise((resolve) => channel.on("close", () => resolve()));
    void this.#ended.then(() => this.#lost.abort());
  }

  /** Why a call on the ended channel has failed. */
  get endReason(): Error {
    return this.fault ?? new Error("the channel has ended");
  }

  /** The answer to a call. Rejects also if the channel ends before, of which amqplib may never tell. */
  async orLost<T>(answer: Promise<T>): Promise<T> {
    const ended = Promise.withResolvers<never>();
    const unlisten = onAbort(this.lost, () => ended.reject(this.endReason));
    try {
      return await Promise.race([answer, ended.promise]);
    } finally {
      unlisten();
    }
  }

  /** Answers a message, unless its channel is gone: then the server delivers it again. */
  reply(send: (channel: AmqpChannel) => void): void {
    try {
      if (!this.lost.aborted) return send(this.channel);
    } catch (error) {
      // The connection is closing and the channel does not know yet.
      if (!(error instanceof IllegalOperationError)) throw error;
    }
    log.debug("Message not answered, because its channel is gone: RabbitMQ will deliver it again");
  }

  /**
   * Closes the channel: RabbitMQ puts what is not answered back. Not each by itself: a quorum queue of
   * 3.10 would put it to the end. Resolves when the channel has ended, and so the answers have arrived:
   * amqplib may send a connection's close before them.
   */
  close(): Promise<void> {
    if (!this.lost.aborted) {
      this.#lost.abort();
      // It never settles when the connection ends first, but then the channel ends too.
      this.channel.close().catch(() => {});
    }
    return this.#ended;
  }
}
