// Does what a handler has decided about a message: an ack, a return, or a confirmed copy in another
// queue and then an ack; on the channel that the message came on, or not at all.

import type { ConsumeMessage, MessageProperties } from "amqplib";
import { type AmqpCopies, ChannelEndError, type CopyTarget, firstQueueOf } from "./copies.ts";
import { copyOf, delayedCopy, MOST_RETURNS, returnsOf } from "./copy_properties.ts";
import type { QueueFaults } from "./queue_faults.ts";
import type { AmqpSession } from "./session.ts";
import { Backoff, type BackoffOptions } from "../../async/mod.ts";
import { type Copied, copyHeaders } from "../headers.ts";
import { log } from "../log.ts";
import { type ConsumeOptions, type Disposition, PublishError } from "../mod.ts";

export interface AnswerOptions extends BackoffOptions, Pick<ConsumeOptions, "onParked"> {
  readonly copies: AmqpCopies;
  readonly queue: string;
  readonly parkingQueue: string;
  readonly faults: QueueFaults;
}

interface ToAnswer {
  readonly session: AmqpSession;
  readonly message: ConsumeMessage;
  /** Its properties without what RabbitMQ noted of its waiting in delay queues. */
  readonly properties: MessageProperties;
  /** Why it is parked in the end if its own queue takes no copy of it. */
  readonly orPark?: Copied | undefined;
  /** Called when it is acked or returned, just before. */
  readonly onAnswer: () => void;
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
    const { session, message, onAnswer } = toAnswer;
    const { queue, parkingQueue } = this.#options;
    switch (disposition.kind) {
      case "done":
        return ack(toAnswer);
      case "requeue":
        onAnswer();
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
    const { copies, queue, faults } = this.#options;
    const name = firstQueueOf(target);
    const headers = copyHeaders(queue, disposition, new Date());
    const copy = (disposition.kind === "park" ? copyOf : delayedCopy)(properties, headers);
    const backoff = new Backoff(this.#options);
    const returns = returnsOf(message.properties);
    // Each connection that ends while it waits is another return.
    const canWait = disposition.kind !== "again" || returns < MOST_RETURNS;
    let isRefused = false;
    let isCopied = false;
    let ends = 0;
    while (!isCopied && (canWait || !isRefused) && !session.lost.aborted) {
      const isApart = ends >= MOST_ENDS;
      try {
        await copies.publish(target, message.content, copy, { isApart });
        isCopied = true;
        ack(toAnswer);
      } catch (error) {
        if (isApart) faults.report(queue, "message", error);
        else faults.report(name, "copy", error);
        isRefused = error instanceof PublishError && error.fault === "refused";
        if (error instanceof ChannelEndError) ends++;
        if (!isApart) setStuck(line, true);
        if (!isApart && ends >= MOST_ENDS) {
          // It stays stuck; the others are not.
          line.waiting.delete(toAnswer);
          setStuck(line, false);
          faults.forget(name, "copy");
          leave();
        }
        if (canWait || !isRefused) await backoff.pause(session.lost);
      }
    }
    const isApart = ends >= MOST_ENDS;
    const [at, kind] = isApart ? [queue, "message"] as const : [name, "copy"] as const;
    if (isCopied) faults.clear(at, kind);
    else faults.forget(at, kind);
    if (isApart) onStuck(false);
    else setStuck(line, false);
    line.waiting.delete(toAnswer);
    if (line.waiting.size === 0 && this.#lines.get(name) === line) this.#lines.delete(name);
    leave();
    if (!isCopied && isRefused && !canWait) await this.#parkInstead(toAnswer, returns);
  }

  /** RabbitMQ may drop it before its own queue takes it. */
  async #parkInstead(toAnswer: ToAnswer, returns: number): Promise<void> {
    const { queue, parkingQueue, onParked } = this.#options;
    const reason = `its queue takes no copy of it, and has returned it ${returns} times`;
    const parked = toAnswer.orPark ?? { kind: "park", reason };
    if (toAnswer.orPark === undefined) onParked?.(false);
    log.error("Parking a message of {queue}: {reason}", { queue, reason });
    await this.#copyInTurn(toAnswer, parked, { kind: "own", queue: parkingQueue });
  }
}

function ack({ session, message, onAnswer }: ToAnswer): void {
  onAnswer();
  session.reply((channel) => channel.ack(message));
}

function setStuck(line: Line, isStuck: boolean): void {
  if (line.isStuck === isStuck) return;
  line.isStuck = isStuck;
  for (const { onStuck } of line.waiting) onStuck(isStuck);
}
