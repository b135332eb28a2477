/**
 * What is wrong with single queues: logged once a reason, and kept for health and metrics until it is
 * over.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { serverWords } from "./server_errors.ts";

const log = getLogger(["turn-channels", "broker"]);

export type FaultKind = "declare" | "bind" | "consume" | "copy";

const TEXTS: Readonly<Record<FaultKind, string>> = {
  declare: "Cannot declare {queue}: {reason}",
  bind: "Cannot bind {queue}: {reason}",
  consume: "Cannot consume {queue}: {reason}",
  copy: "Messages wait, because they can't be copied to {queue}: {reason}",
};

/** For where the queue is named beside it. */
const SHORT: Readonly<Record<FaultKind, string>> = {
  declare: "it can't be declared",
  bind: "it can't be bound to the exchange",
  consume: "it can't be consumed",
  copy: "it takes no copies",
};

export class QueueFaults {
  readonly #reasons = new Map<string, Map<FaultKind, string>>();

  /** Notes down that something can't be done, and logs it if the reason is new. */
  report(queue: string, kind: FaultKind, error: unknown): void {
    const reason = serverWords(error);
    const reasons = this.#reasons.get(queue) ?? new Map<FaultKind, string>();
    this.#reasons.set(queue, reasons);
    if (reasons.get(kind) === reason) return;
    reasons.set(kind, reason);
    log.warn(TEXTS[kind], { queue, reason });
  }

  /** Removes a fault, if there was one: it works now. */
  clear(queue: string, kind: FaultKind): void {
    if (!this.forget(queue, kind)) return;
    log.info("Works again: {queue} ({what})", { queue, what: kind });
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
      const texts = [...reasons].map(([kind, reason]) => `${SHORT[kind]} (${reason})`);
      return [queue, texts.join("; ")];
    }));
  }
}
