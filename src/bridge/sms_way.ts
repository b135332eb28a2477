// How an SMS goes: at once, or by way of the queue `held.sms`.

import type { KeptRecord, OrderedRecord } from "../cache/mod.ts";
import type { Message } from "../vumi/mod.ts";
import type { Sms } from "./sms_lines.ts";
import type { SmsSender } from "./sms_sender.ts";

/** What an SMS follows, if that is known. */
export interface Before {
  /** The id of one that is heard of, and to which it is the next part. */
  readonly follows?: string;
  /** What was kept as `last_held`. */
  readonly lastHeld?: OrderedRecord | undefined;
}

/** Disposed of before it is sent, it leaves its user's line. */
export class SmsWay implements Disposable {
  /** With a timestamp that is later than that of the user's message before it. */
  readonly message: Message;
  /** What is to be kept before it is sent. */
  readonly records: readonly KeptRecord[];
  readonly isHeld: boolean;
  /** What is known of it here; nothing if another bridge speaks for the channel. */
  readonly sms: Sms | undefined;
  /** The id of the user's message before it. */
  after: string | undefined;
  isSent: boolean;
  readonly #sender: SmsSender;

  constructor(
    sender: SmsSender,
    { message, records = [], isHeld = false, sms, isSent = false }:
      & Pick<SmsWay, "message">
      & Partial<Pick<SmsWay, "records" | "isHeld" | "sms" | "isSent">>,
  ) {
    this.#sender = sender;
    this.message = message;
    this.records = records;
    this.isHeld = isHeld;
    this.sms = sms;
    this.isSent = isSent;
  }

  [Symbol.dispose](): void {
    if (!this.isSent && this.sms !== undefined) this.#sender.end(this.sms);
  }
}
