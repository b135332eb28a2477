// An SMS as it comes off the queue `held.sms`: one that this bridge knows of, as it has put it there, or
// one of which the cache tells whether it was sent, and what it must not overtake.

import { FirstOf, sleep } from "../async/mod.ts";
import { CacheError } from "../cache/mod.ts";
import { readTrace, type Trace } from "../telemetry/mod.ts";
import type { BrokerMessage, Disposition } from "../vumi/mod.ts";
import { readToldRecord } from "./delivery_records.ts";
import { log } from "./log.ts";
import { readPartId } from "./part_ids.ts";
import { adopt } from "./sms_adoption.ts";
import type { HeldItem } from "./sms_lines.ts";
import { type HeldSms, type KeptSms, readSms, readThrottled } from "./sms_records.ts";
import type { SmsSender, SmsSenderOptions } from "./sms_sender.ts";
import { isEnded, readSplitSms } from "./split_sms.ts";

/** How long it is waited when the cache fails. */
const PAUSE_MS = 1_000;

export class HeldSmsFlow {
  readonly #options: SmsSenderOptions;
  readonly #sender: SmsSender;

  constructor(options: SmsSenderOptions, sender: SmsSender) {
    this.#options = options;
    this.#sender = sender;
  }

  /** Takes it in hand until something was heard of it. */
  async handle(held: HeldSms, message: BrokerMessage): Promise<Disposition> {
    const { stopping, after, elapsed } = this.#options;
    const { promise, resolve: end } = Promise.withResolvers<Disposition>();
    const item = { arrivedAt: elapsed(), lost: message.lost, end };
    const trace = readTrace((header) => message.headers[header]);
    while (!message.lost.aborted && !stopping.aborted) {
      try {
        await this.#take(held, item, trace);
        return await promise;
      } catch (error) {
        if (!(error instanceof CacheError)) throw error;
        const values = { messageId: held.message.message_id, reason: error.message };
        log.error("The SMS {messageId} waits for the cache: {reason}", values);
        using over = new FirstOf(message.lost, stopping);
        await sleep(PAUSE_MS, over.signal, after);
      }
    }
    return { kind: "requeue" };
  }

  async #take(held: HeldSms, item: HeldItem, trace: Trace | undefined): Promise<void> {
    const { cache, stopping } = this.#options;
    const sender = this.#sender;
    const { message_id: id } = held.message;
    let sms = sender.lines.get(id);
    if (sms === undefined) {
      const [record, isOver] = await Promise.all([
        cache.getRecord("unacked", id),
        this.#isOver(id),
      ]);
      const kept = readSms(record) ?? await this.#unkept(id);
      if (isOver || sender.lines.hasEnded(id)) return item.end({ kind: "done" });
      await adopt(sender, held.after);
      if (item.lost.aborted || stopping.aborted) return item.end({ kind: "requeue" });
      if (sender.lines.hasEnded(id)) return item.end({ kind: "done" });
      // Who spoke before has heard it.
      if (held.isHeardOf || kept.nack !== undefined) {
        sender.unacked.noteHeardOf(held.message.transport_name);
      }
      // Nothing is waited for from here on; meanwhile it may have come twice.
      sms = sender.lines.get(id) ?? sender.resume({ ...kept, message: held.message });
    }
    sms.message ??= held.message;
    sender.take(sms, item, trace);
  }

  /** How far it had come of which it is not kept any more what it says, or never was. */
  async #unkept(id: string): Promise<Omit<KeptSms, "message">> {
    const { cache, now } = this.#options;
    const [confirmedAt, throttled] = await Promise.all([
      cache.getNote("confirmed", id),
      cache.getRecord("throttled", id),
    ]);
    const { firstAt = 0, tries = 0 } = readThrottled(throttled) ?? {};
    const isUnderWay = confirmedAt !== undefined && tries === 0;
    const sentAt = isUnderWay ? Number(confirmedAt) : null;
    return { sentAt, firstAt, tries, errors: 0, dueAt: now(), nack: undefined };
  }

  /** Whether it is known what became of it, or of the text that it is a part of. */
  async #isOver(id: string): Promise<boolean> {
    const { cache } = this.#options;
    const part = readPartId(id);
    const split = part?.kind === "sms"
      ? readSplitSms(await cache.getRecord("parts", part.of))
      : undefined;
    if (part !== undefined && split !== undefined) return isEnded(split, part.nth);
    return readToldRecord(await cache.getNote("told", part?.of ?? id)).events.length > 0;
  }
}
