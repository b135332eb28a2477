// Sends SMS: each user's in order, the next one when something was heard of the one before, and none
// faster than the operator takes them. What can go at once is published; what has to wait does so in the
// queue `held.sms`, of which the bridge that speaks for the channel takes it. That one knows here what waits
// and what is under way; what it must not forget at its end is in the queue, or kept in the cache.

import { onAbort } from "../async/mod.ts";
import type { KeptRecord } from "../cache/mod.ts";
import type { Trace } from "../telemetry/mod.ts";
import { isOurs, type Message } from "../vumi/mod.ts";
import type { SmsEvent } from "./event_subject.ts";
import { log } from "./log.ts";
import type { BridgeOptions } from "./options.ts";
import { Adoption } from "./sms_adoption.ts";
import { readPartId } from "./part_ids.ts";
import { SmsDue } from "./sms_due.ts";
import type { SmsPace } from "./sms_pace.ts";
import { SmsInHand } from "./sms_in_hand.ts";
import { type HeldItem, newSms, type Sms, SmsLines } from "./sms_lines.ts";
import { publishSms } from "./sms_publish.ts";
import { after, encodeHeldSms, forgetSms, keepHeld, keepNew, type KeptSms } from "./sms_records.ts";
import { SmsUnacked } from "./sms_unacked.ts";
import { type Before, SmsWay } from "./sms_way.ts";
import { type Clock, WakeUp } from "./wake_up.ts";

export interface SmsSenderOptions
  extends Pick<BridgeOptions, "connector" | "cache" | "metrics" | "sms" | "holdMs">, Clock {
  /** Fires when nothing new is to be begun. */
  readonly stopping: AbortSignal;
  /** Whether so many events are in hand that others, not heard yet, may wait behind them. */
  readonly isDeaf?: () => boolean;
}

/** Above so many, it is not known here what waits in the queue, but only when it comes off it. */
const MOST_KNOWN = 20_000;
/** So long at least is it waited for what another bridge has sent. */
const RESUMED_MS = 10_000;

export class SmsSender {
  readonly lines = new SmsLines();
  readonly inHand = new SmsInHand();
  readonly options: SmsSenderOptions;
  readonly #due: SmsDue;
  readonly #pace: SmsPace;
  readonly unacked: SmsUnacked;
  readonly #wakeUp: WakeUp;
  /** Whether anything is kept of what was sent, though it may be switched off now. */
  #keeps = false;
  readonly #adoption = new Adoption(this);

  constructor(options: SmsSenderOptions) {
    this.options = options;
    this.#due = new SmsDue(options);
    this.#pace = this.#due.pace;
    this.unacked = new SmsUnacked(this, this.#pace);
    this.#wakeUp = new WakeUp(() => this.#work(), options);
    onAbort(options.stopping, () => {
      this.#wakeUp.clear();
      this.inHand.leaveAll();
    });
  }

  /** What each transport was found to take in a second; 0: all that comes. */
  rates(): ReadonlyMap<string, number> {
    return this.#pace.rates();
  }

  /**
   * Lets an SMS stand in its user's line, and answers how it goes: to be kept with the records, and then
   * sent by {@linkcode SmsSender.send}.
   * @throws {CacheError} If the cache fails; it does not stand there then.
   */
  async enter(message: Message, { follows, lastHeld }: Before = {}): Promise<SmsWay> {
    const { sms: { resendForMs, maxPerSecond, failUnacked }, cache, connector, now } = this.options;
    const { to_addr, message_id: id } = message;
    const user = cache.addresses.key(to_addr);
    const { leads } = connector;
    /** Nothing is waited for but what was held before it was switched off. */
    const isOff = resendForMs === 0 && maxPerSecond === 0 && !failUnacked;
    if (this.lines.get(id) !== undefined) return new SmsWay(this, { message, isSent: true });
    const isUnknown = leads && !isOff && this.#adoption.isDue(user, now());
    const last = isOff || leads && !isUnknown ? undefined : await cache.getLastOutbound(to_addr);
    if (isUnknown) await this.#adoption.adopt(user, last?.message_id);
    // From here to where it stands in its line nothing is waited for.
    const { order = "", value: held = "" } = lastHeld ?? {};
    const line = this.lines.of(user).filter((each) => each.id !== follows);
    const orders = [order, line.at(-1)?.order ?? "", last?.timestamp ?? ""];
    const own = follows === undefined ? after(message, orders) : message;
    const isElsewhere = held !== "" && this.lines.get(held) === undefined &&
      !this.lines.hasEnded(held);
    this.lines.reopen(id);
    const waits = isElsewhere || line.some((each) => {
      const isOut = each.state === "sending" || each.state === "under_way";
      return each.order <= own.timestamp && !(isOut && (isOff || !this.unacked.isAwaited(each)));
    });
    // Of a text that was split, who speaks for the channel next has to know that the rest waits for it.
    const isHeld = waits || readPartId(id)?.kind === "sms" || !isOff &&
        (failUnacked || !leads || maxPerSecond > 0 || !this.#pace.isFree(own.transport_name));
    // Behind what is not known here it only goes when it comes off the queue, which is after that.
    const sms = isElsewhere ? undefined : this.#add(own, isHeld ? "coming" : "sending");
    if (!isHeld) {
      if (resendForMs === 0) return new SmsWay(this, { message: own, sms });
      this.#keeps = true;
      return new SmsWay(this, { message: own, sms, records: [keepNew(own, resendForMs, now())] });
    }
    const way = new SmsWay(this, { message: own, sms, isHeld, records: [keepHeld(own)] });
    try {
      way.after = (last ?? await cache.getLastOutbound(to_addr))?.message_id;
      return way;
    } catch (error) {
      way[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Publishes it, or has it held until it can be.
   * @throws {PublishError} If RabbitMQ does not take it.
   */
  async send(way: SmsWay, trace?: Trace): Promise<void> {
    const { connector } = this.options;
    const { message, sms, after } = way;
    if (way.isSent) return;
    if (way.isHeld) {
      const isHeardOf = this.unacked.hasHeardOf(message.transport_name);
      await connector.holdSms(encodeHeldSms({ message, after, isHeardOf }), trace);
      way.isSent = true;
      if (sms !== undefined) this.isHeld(sms, trace);
      return;
    }
    await connector.publish(message, trace);
    way.isSent = true;
    // A nack may have been quicker than the confirm.
    if (sms?.state !== "sending") return;
    // What it says is in the cache.
    sms.message = undefined;
    this.#isUnderWay(sms);
  }

  /** It is in the queue `held.sms`, and may be sent when its turn comes. */
  isHeld(sms: Sms, trace?: Trace): void {
    sms.isHeld = true;
    sms.trace ??= trace;
    if (sms.state === "coming") sms.state = "waits";
    this.#look(sms.user);
  }

  /** Takes it off the queue `held.sms` in hand. */
  take(sms: Sms, item: HeldItem, trace: Trace | undefined): void {
    this.inHand.take(sms, item);
    this.#wake(this.options.holdMs);
    this.isHeld(sms, trace);
  }

  /** It waits to be sent, anew or again, or was sent and is waited for; see {@linkcode KeptSms}. */
  resume({ message, sentAt, ...kept }: KeptSms): Sms {
    const { now, sms: { unackedAfterMs } } = this.options;
    this.#keeps = true;
    const sms = this.lines.get(message.message_id) ?? this.#new(message, "waits");
    Object.assign(sms, { ...kept, message, isHeld: true, isResumed: sentAt !== null });
    // It may have been let pass.
    this.lines.remove(sms);
    for (const other of this.lines.of(sms.user)) this.#due.delete(other);
    this.lines.add(sms);
    this.unacked.delete(sms);
    sms.state = "waits";
    // What was said of it meanwhile may still come.
    const since = now() - unackedAfterMs + Math.min(RESUMED_MS, unackedAfterMs);
    sms.sentAt = Math.max(sentAt ?? now(), since);
    if (sentAt !== null) this.#isUnderWay(sms);
    this.#look(sms.user);
    return sms;
  }

  /** Whether so many are known that the others are left in the queue. */
  get isFull(): boolean {
    return this.lines.size >= MOST_KNOWN;
  }

  /** The operator throttles one that was sent at that time. */
  throttled(transport: string, sentAt: number): void {
    const { now, elapsed } = this.options;
    this.unacked.heardOf(transport);
    this.#pace.throttled(transport, elapsed(), elapsed() - (now() - sentAt));
  }

  /** Something was heard of it that lets the next one pass. Answers what is to be forgotten of it. */
  heard({ id, transport, event }: SmsEvent): readonly KeptRecord[] {
    if (!isOurs(event) && event.event_type !== "delivery_report") this.unacked.heardOf(transport);
    if (event.event_type === "ack") this.#pace.acked(transport, this.options.elapsed());
    const sms = this.lines.get(id);
    if (sms === undefined) this.lines.end(id);
    else this.end(sms);
    this.#keeps ||= this.options.sms.resendForMs > 0;
    return this.#keeps ? [forgetSms(id)] : [];
  }

  /** Lets the next one of its user's pass; it is done with. */
  end(sms: Sms): void {
    this.lines.end(sms.id);
    this.unacked.delete(sms);
    this.#due.delete(sms);
    this.inHand.done(sms);
    this.#look(sms.user);
  }

  /** The same of the one with this id. */
  pass(id: string): void {
    const sms = this.lines.get(id);
    if (sms?.state === "under_way") this.letPass(sms);
  }

  /** Lets the next one of its user's pass. */
  letPass(sms: Sms): void {
    // What is no longer waited for in any way is done with.
    if (!this.unacked.has(sms)) return this.end(sms);
    this.lines.release(sms);
    if (!this.options.sms.failUnacked) this.inHand.done(sms);
    this.#look(sms.user);
  }

  /** Another bridge has spoken for the channel, and may have sent what is not known here. */
  forget(): void {
    const { now, elapsed, sms: { unackedAfterMs, maxPerSecond } } = this.options;
    this.inHand.leaveAll();
    if (maxPerSecond > 0) this.#pace.pause(elapsed());
    for (const known of [this.#due, this.unacked, this.lines]) known.clear();
    this.#adoption.begin(now() + unackedAfterMs);
  }

  #add(message: Message, state: Sms["state"]): Sms | undefined {
    if (!this.options.connector.leads || this.isFull) return undefined;
    const sms = this.#new(message, state);
    this.lines.add(sms);
    return sms;
  }

  #new(message: Message, state: Sms["state"]): Sms {
    return newSms(message, state, this.options.cache.addresses);
  }

  #wake(ms: number): void {
    if (!this.options.stopping.aborted) this.#wakeUp.set(ms);
  }

  #look(user: string): void {
    const first = this.lines.of(user).find((sms) => {
      return sms.state !== "under_way" || this.unacked.isAwaited(sms);
    });
    if (first?.state === "waits" && this.#due.add(first)) this.#wake(0);
  }

  /** Does all that is due. */
  #work(): void {
    const { connector, stopping, holdMs, elapsed } = this.options;
    if (stopping.aborted) return;
    // Another bridge speaks for the channel, and knows better.
    if (!connector.leads) return this.forget();
    for (const sms of this.#due.takeLate((sms) => this.unacked.isTooLate(sms))) {
      sms.state = "sending";
      sms.sending = this.unacked.failLate(sms);
    }
    const dueMs = this.#due.take(this.options.sms.maxPerSecond, this.#sendNow);
    const ms = Math.min(dueMs, this.unacked.endOld());
    if (ms < Infinity) this.#wake(ms);
    const oldest = this.inHand.putOldAgain(elapsed() - holdMs);
    if (oldest !== undefined) this.#wake(oldest + holdMs - elapsed());
  }

  readonly #sendNow = (sms: Sms, message: Message): Promise<void> => {
    sms.state = "sending";
    if (this.unacked.isTooLate(sms)) return sms.sending = this.unacked.failLate(sms);
    return sms.sending = this.#publish(sms, message).catch((error) => {
      const values = { messageId: sms.id, error };
      log.error("A bug with SMS {messageId}, please report it: {error}", values);
      this.inHand.done(sms, { kind: "park", reason: `bug: ${error}` });
      this.end(sms);
    });
  };

  async #publish(sms: Sms, message: Message): Promise<void> {
    if (await publishSms(this.options, sms, message)) return this.#isUnderWay(sms);
    sms.state = "waits";
    this.#look(sms.user);
  }

  #isUnderWay(sms: Sms): void {
    if (this.lines.get(sms.id) !== sms) return; // Something was heard of it already.
    sms.state = "under_way";
    sms.sentAt ||= this.options.now();
    this.#wake(this.unacked.add(sms));
    this.#look(sms.user);
  }
}
