// What of the queue `held.sms` is in hand: until something was heard of it, it can't be acked any more, or
// it was in hand for too long.

import { onAbort } from "../async/mod.ts";
import type { Disposition } from "../vumi/mod.ts";
import { AGAIN, BACK, DONE } from "./held_returns.ts";
import type { HeldItem, Sms } from "./sms_lines.ts";

export class SmsInHand {
  /** How many were done with. */
  ended = 0;
  /** In the order of their coming. */
  readonly #all = new Map<HeldItem, Sms>();
  /** What is listened to already: it is the same for all messages of one AMQP channel. */
  readonly #sessions = new WeakSet<AbortSignal>();

  take(sms: Sms, item: HeldItem): void {
    sms.items.push(item);
    this.#all.set(item, sms);
    if (this.#sessions.has(item.lost)) return;
    this.#sessions.add(item.lost);
    onAbort(item.lost, () => {
      for (const [each, of] of this.#all) {
        if (each.lost === item.lost) this.#putDown(each, of, BACK);
      }
    });
  }

  /** Nothing more is to be done about an SMS. */
  done(sms: Sms, disposition: Disposition = DONE): void {
    for (const item of sms.items.splice(0)) {
      this.#all.delete(item);
      this.ended++;
      item.end(disposition);
    }
  }

  /** Sends what came before then to the end of the queue. Answers when the next one has come, if any. */
  putOldAgain(before: number): number | undefined {
    for (const [item, sms] of this.#all) {
      if (item.arrivedAt > before) return item.arrivedAt;
      this.#putDown(item, sms, AGAIN);
    }
    return undefined;
  }

  leaveAll(): void {
    for (const [item, sms] of this.#all) this.#putDown(item, sms, BACK);
  }

  #putDown(item: HeldItem, sms: Sms, disposition: Disposition): void {
    this.#all.delete(item);
    sms.items.splice(sms.items.indexOf(item), 1);
    const end = (): void => item.end(disposition);
    // What is just being sent: whoever has it next is to know whether it was.
    if (sms.state === "sending" && sms.sending !== undefined) void sms.sending.then(end);
    else end();
  }
}
