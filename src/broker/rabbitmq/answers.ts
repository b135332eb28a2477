// Does what a handler has decided about a message: an ack, a return, or a confirmed copy in another
// queue and then an ack; on the channel that the message came on, or not at all.

import type { ConsumeMessage, MessageProperties } from "amqplib";
import { type AmqpCopies, ChannelEndError, type CopyTarget, firstQueueOf } from "./copies.ts";
import { copyOf, delayedCopy, MOST_RETURNS, returnsOf } from "./copy_properties.ts";
import type { QueueFaults } from "./queue_faults.ts";
import type { AmqpSession } from "./session.ts";
import { Backoff, type BackoffOptions } from "../../async/mod.ts";
import { type Copied, copyHeaders } from "../headers.ts";
import { type Disposition, PublishError } from "../mod.ts";

export interface AnswerOptions extends BackoffOptions {
  readonly copies: AmqpCopies;
  readonly queue: string;
  readonly parkingQueue: string;
  readonly faults: QueueFaults;
}

export interface ToAnswer {
  readonly session: AmqpSession;
  readonly message: ConsumeMessage;
  /** Its properties without what RabbitMQ noted of its waiting in delay queues. */
  readonly properties: MessageProperties;
  /** Called when its copy can't be made for now, and when that is over. */
  readonly onStuck: (isStuck: boolean) => void;
}

/** Copies to one queue, made one after the other. */
interface Line {
  last: Promise<void>;
  /** Whether the first one can't be made for now, and so none. */
  isStuck: boolean;
  readonly waiting: Set<ToAnswer>;
}

/** A message over which so many channels have ended waits for its copy beside the line. */
const MOST_ENDS = 3;

export class AmqpAnswers {
  readonly #options: AnswerOptions;
  readonly #lines = new Map<string, Line>();

  constructor(options: AnswerOptions) {
    this.#options = options;
  }

  /** Resolves when the message is answered, or can't be any more. */
  async answer(toAnswer: ToAnswer, disposition: Disposition): Promise<void> {
    const { session, message } = toAnswer;
    const { queue, parkingQueue } = this.#options;
    switch (disposition.kind) {
      case "done":
        return session.reply((channel) => channel.ack(message));
      case "requeue":
        return session.reply((channel) => channel.nack(message, false, true));
      case "later": {
        const target: CopyTarget = { kind: "delay", queue, delayMs: disposition.delayMs };
        return await this.#copyInTurn(toAnswer, disposition, target);
      }
      case "again":
        return await this.#copyInTurn(toAnswer, disposition, { kind: "queue", queue });
      case "park":
        return await this.#copyInTurn(toAnswer, disposition, { kind: "own", queue: parkingQueue });
    }
  }

  /** Makes copies one at a time: of those side by side, a first that fails would come after the others. */
  async #copyInTurn(toAnswer: ToAnswer, disposition: Copied, target: CopyTarget): Promise<void> {
    const name = firstQueueOf(target);
    const line = this.#lines.get(name) ??
      { last: Promise.resolve(), isStuck: false, waiting: new Set<ToAnswer>() };
    this.#lines.set(name, line);
    line.waiting.add(toAnswer);
    if (line.isStuck) toAnswer.onStuck(true);
    const left = Promise.withResolvers<void>();
    const copying = line.last.then(() =>
      this.#copy(toAnswer, disposition, target, line, left.resolve)
    );
    line.last = Promise.race([copying, left.promise]);
    await copying;
  }

  /**
   * Acks the message once its copy is confirmed. Tries until then, or until it can't be acked.
   * @param leave Lets those behind it in the line go on.
   */
  async #copy(
    toAnswer: ToAnswer,
    disposition: Copied,
    target: CopyTarget,
    line: Line,
    leave: () => void,
  ): Promise<void> {
    const { session, message, properties, onStuck } = toAnswer;
    const { copies, queue, parkingQueue, faults } = this.#options;
    const name = firstQueueOf(target);
    const isNearEnd = disposition.kind === "again" && returnsOf(message.properties) >= MOST_RETURNS;
    const headers = copyHeaders(queue, disposition, new Date());
    const copy = (disposition.kind === "park" ? copyOf : delayedCopy)(properties, headers);
    const backoff = new Backoff(this.#options);
    let isCopied = false;
    let isParked = false;
    let ends = 0;
    while (!isCopied && !isParked && !session.lost.aborted) {
      try {
        await copies.publish(target, message.content, copy, { isApart: ends >= MOST_ENDS });
        isCopied = true;
        session.reply((channel) => channel.ack(message));
      } catch (error) {
        faults.report(name, "copy", error);
        // RabbitMQ may drop it before its full queue takes it.
        isParked = isNearEnd && error instanceof PublishError && error.fault === "refused";
        if (isParked) break;
        if (error instanceof ChannelEndError && ++ends === MOST_ENDS) {
          line.waiting.delete(toAnswer);
          setStuck(line, false);
          leave();
          onStuck(true);
        } else if (ends < MOST_ENDS) setStuck(line, true);
        await backoff.pause(session.lost);
      }
    }
    if (isCopied) faults.clear(name, "copy");
    else faults.forget(name, "copy");
    if (ends >= MOST_ENDS) onStuck(false);
    else setStuck(line, false);
    line.waiting.delete(toAnswer);
    if (line.waiting.size === 0) this.#lines.delete(name);
    if (!isParked) return;
    leave();
    const reason = `its queue takes no copy of it, and returned it ${
      returnsOf(message.properties)
    } times`;
    const parked: Copied = { kind: "park", reason };
    await this.#copyInTurn(toAnswer, parked, { kind: "own", queue: parkingQueue });
  }
}

function setStuck(line: Line, isStuck: boolean): void {
  if (line.isStuck === isStuck) return;
  line.isStuck = isStuck;
  for (const { onStuck } of line.waiting) onStuck(isStuck);
}
