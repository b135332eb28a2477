// The SMS that are first in their user's line: each goes when its time has come, at the pace that is set
// or was found.

import { smsSegments } from "../content/mod.ts";
import type { Message } from "../vumi/mod.ts";
import type { Sms } from "./sms_lines.ts";
import { SmsPace } from "./sms_pace.ts";
import { MOST_DELAY_MS } from "./throttling.ts";
import type { Clock } from "./wake_up.ts";

export class SmsDue {
  readonly pace = new SmsPace();
  readonly #all = new Set<Sms>();
  /** How many of them there are, by transport. */
  readonly #counts = new Map<string, number>();
  readonly #clock: Pick<Clock, "elapsed" | "now">;
  #lookedAt = -Infinity;

  constructor(clock: Pick<Clock, "elapsed" | "now">) {
    this.#clock = clock;
  }

  /** Answers whether it was not there already. */
  add(sms: Sms): boolean {
    if (this.#all.has(sms)) return false;
    this.#all.add(sms);
    this.#counts.set(sms.transport, (this.#counts.get(sms.transport) ?? 0) + 1);
    return true;
  }

  delete(sms: Sms): void {
    if (!this.#all.delete(sms)) return;
    const count = (this.#counts.get(sms.transport) ?? 0) - 1;
    if (count > 0) this.#counts.set(sms.transport, count);
    else this.#counts.delete(sms.transport);
  }

  clear(): void {
    this.#all.clear();
    this.#counts.clear();
  }

  /** Takes out those for which it is too late; they are looked for once a second. */
  takeLate(isTooLate: (sms: Sms) => boolean): readonly Sms[] {
    const now = this.#clock.elapsed();
    if (now < this.#lookedAt + 1_000) return [];
    this.#lookedAt = now;
    const late = [...this.#all].filter(isTooLate);
    for (const sms of late) this.delete(sms);
    return late;
  }

  /**
   * Has `send` called for all that may go now, which resolves when that is at RabbitMQ. Answers in how long
   * to look again.
   * @param maxPerSecond Most segments in a second; 0: any number.
   */
  take(maxPerSecond: number, send: (sms: Sms, message: Message) => Promise<void>): number {
    const { elapsed, now } = this.#clock;
    const blocked = new Map<string, number>();
    let waitMs = Infinity;
    for (const sms of this.#all) {
      const channelMs = this.pace.channelWaitMs(elapsed());
      if (channelMs > 0) return Math.min(waitMs, channelMs);
      const { transport, dueAt, message } = sms;
      const paceMs = blocked.get(transport) ?? this.pace.waitMs(transport, elapsed());
      if (paceMs > 0) blocked.set(transport, paceMs);
      const dueMs = dueAt - now();
      const ms = Math.max(paceMs, dueMs <= MOST_DELAY_MS ? dueMs : 0);
      if (ms > 0) {
        waitMs = Math.min(waitMs, ms);
        // None of the others, of which there may be thousands, can go either.
        if (blocked.size === this.#counts.size) return Math.min(waitMs, ...blocked.values());
        continue;
      }
      const segments = smsSegments(message?.content ?? "");
      const secondMs = this.pace.secondWaitMs(elapsed(), segments, maxPerSecond);
      if (secondMs > 0) return Math.min(waitMs, secondMs);
      this.delete(sms);
      if (message === undefined) continue;
      this.pace.take(transport, elapsed(), segments, maxPerSecond);
      void send(sms, message).finally(() => this.pace.gone(elapsed(), segments, maxPerSecond));
    }
    if (this.#all.size === 0) this.pace.idle(elapsed());
    return waitMs;
  }
}
