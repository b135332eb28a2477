// The SMS that are first in their user's line: each goes when its time has come, at the pace that is set
// or was found.

import { smsSegments } from "../content/mod.ts";
import type { Message } from "../vumi/mod.ts";
import type { Sms } from "./sms_lines.ts";
import { SmsPace } from "./sms_pace.ts";

export class SmsDue {
  readonly pace = new SmsPace();
  readonly #all = new Set<Sms>();

  /** Answers whether it was not there already. */
  add(sms: Sms): boolean {
    if (this.#all.has(sms)) return false;
    this.#all.add(sms);
    return true;
  }

  delete(sms: Sms): void {
    this.#all.delete(sms);
  }

  clear(): void {
    this.#all.clear();
  }

  /**
   * Has `send` called for all that may go now. Answers in how long to look again.
   * @param maxPerSecond Most segments in a second; 0: any number.
   */
  take(
    now: () => number,
    maxPerSecond: number,
    send: (sms: Sms, message: Message) => void,
  ): number {
    const blocked = new Map<string, number>();
    let waitMs = Infinity;
    for (const sms of this.#all) {
      const channelMs = this.pace.channelWaitMs(now());
      if (channelMs > 0) return Math.min(waitMs, channelMs);
      const { transport, dueAt, message } = sms;
      const paceMs = blocked.get(transport) ?? this.pace.waitMs(transport, now());
      if (paceMs > 0) blocked.set(transport, paceMs);
      const ms = Math.max(paceMs, dueAt - now());
      if (ms > 0) {
        waitMs = Math.min(waitMs, ms);
        continue;
      }
      this.#all.delete(sms);
      if (message === undefined) continue;
      this.pace.take(transport, now(), smsSegments(message.content ?? ""), maxPerSecond);
      send(sms, message);
    }
    if (this.#all.size === 0) this.pace.idle(now());
    return waitMs;
  }
}
