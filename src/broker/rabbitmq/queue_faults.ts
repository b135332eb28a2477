// What is wrong with single queues: logged once a reason, and kept for health and metrics until it is
// over.

import { serverWords } from "./server_errors.ts";
import { log } from "../log.ts";
import { PublishError } from "../mod.ts";

type FaultKind = "declare" | "bind" | "consume" | "copy" | "message";

/** How long the server may take to answer about a queue: a minute, if the queue's node is dead. */
const SLOW_MS = 5_000;

/** What the log says, and what is said where the queue is named beside it. */
const TEXTS: Readonly<Record<FaultKind, readonly [log: string, short: string]>> = {
  declare: ["Cannot declare {queue}, trying again: {reason}", "it can't be declared"],
  bind: ["Cannot bind {queue}, trying again: {reason}", "it can't be bound to the exchange"],
  consume: ["Cannot consume {queue}, trying again: {reason}", "it can't be consumed"],
  message: [
    "A message of {queue} waits, as it can't be copied: {reason}",
    "a message of it can't be copied",
  ],
  copy: ["Messages wait until they can be copied to {queue}: {reason}", "it takes no copies"],
};

export class QueueFaults {
  readonly #reasons = new Map<string, Map<FaultKind, string>>();

  /** Logs a fault if its reason is new. While there is no connection, that is all there is to say. */
  report(queue: string, kind: FaultKind, error: unknown): void {
    if (error instanceof PublishError && error.fault === "unavailable") return;
    const reason = serverWords(error);
    const reasons = this.#reasons.get(queue) ?? new Map<FaultKind, string>();
    this.#reasons.set(queue, reasons);
    if (reasons.get(kind) === reason) return;
    reasons.set(kind, reason);
    log.warn(TEXTS[kind][0], { queue, reason });
  }

  /** Waits for the server, and reports it meanwhile if that takes long. */
  async whileSlow<T>(
    queue: string,
    kind: FaultKind,
    work: Promise<T> | undefined,
  ): Promise<T | undefined> {
    const text = `no answer from RabbitMQ for ${SLOW_MS / 1000} s; a node may be down`;
    const timer = setTimeout(() => this.report(queue, kind, new Error(text)), SLOW_MS);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Removes a fault, if there was one, and logs that it works now. */
  clear(queue: string, kind: FaultKind): void {
    if (!this.forget(queue, kind)) return;
    log.info("{queue} works again ({what})", { queue, what: kind });
  }

  /** Removes a fault that nobody tries to end any more. Answers whether there was one. */
  forget(queue: string, kind: FaultKind): boolean {
    const reasons = this.#reasons.get(queue);
    if (!reasons?.delete(kind)) return false;
    if (reasons.size === 0) this.#reasons.delete(queue);
    return true;
  }

  /** What can't be done, and why, by queue. */
  all(): ReadonlyMap<string, string> {
    return new Map([...this.#reasons].map(([queue, reasons]) => {
      const texts = [...reasons].map(([kind, reason]) => `${TEXTS[kind][1]} (${reason})`);
      return [queue, texts.join("; ")];
    }));
  }
}
