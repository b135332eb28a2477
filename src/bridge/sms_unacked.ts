// Finds SMS of which nothing is heard after they were sent: they are counted by transport and named in the
// log, and told of as failed where that is wanted.

import { sleep } from "../async/mod.ts";
import { type Connector, PublishError } from "../vumi/mod.ts";
import { log } from "./log.ts";
import { readPartId } from "./part_ids.ts";
import type { Sms } from "./sms_lines.ts";
import type { SmsPace } from "./sms_pace.ts";
import type { SmsSender } from "./sms_sender.ts";

/** Of so many one after the other a transport has said nothing: it never does, and none waits for that. */
const SILENT_AT = 3;
/** How long the user's next one waits for one to a transport that is not slowed. */
const MOST_WAIT_MS = 2_000;
/** How long it is waited for more while what was said of it may not be read yet. */
const DEAF_MS = 10_000;
/** Those of so many milliseconds are looked at together. */
const LOOK_EVERY_MS = 10;
/** Names come off the wire, so there may be any. */
const MOST_TRANSPORTS = 100;
/** How long it is waited when RabbitMQ takes nothing. */
const PAUSE_MS = 1_000;

export class SmsUnacked {
  readonly #sender: SmsSender;
  readonly #pace: SmsPace;
  /** In the order in which they were sent. */
  readonly #underWay = new Map<string, Sms>();
  /** Until when the user's next one waits for those, on the clock that is never set back. */
  readonly #waitedFor = new Map<Sms, number>();
  /** When something was heard of each last, in milliseconds since 1970. */
  readonly #heardOf = new Map<string, number>();
  readonly #silent = new Map<string, number>();

  constructor(sender: SmsSender, pace: SmsPace) {
    this.#sender = sender;
    this.#pace = pace;
  }

  /** One was sent. Answers in how long to look at it. */
  add(sms: Sms): number {
    const { elapsed, sms: { unackedAfterMs } } = this.#sender.options;
    this.#underWay.set(sms.id, sms);
    const isSilent = (this.#silent.get(sms.transport) ?? 0) >= SILENT_AT;
    if (isSilent) {
      this.#letPass(sms);
      return unackedAfterMs;
    }
    // Also if that is not awaited now: something may be heard of its transport meanwhile.
    this.#waitedFor.set(sms, elapsed() + MOST_WAIT_MS);
    return Math.min(MOST_WAIT_MS, unackedAfterMs);
  }

  /**
   * Whether the user's next one waits for word of this one, so that it is not taken before one that is
   * throttled. A plain text is not delayed where there may be none.
   */
  isAwaited({ id, transport, isResumed }: Sms): boolean {
    return isResumed || this.#sender.options.sms.failUnacked || readPartId(id) !== undefined ||
      !this.#pace.isFree(transport) || this.#heardOf.has(transport);
  }

  /** Whether it may still count as unacked. */
  has({ id }: Sms): boolean {
    return this.#underWay.has(id);
  }

  delete(sms: Sms): void {
    this.#underWay.delete(sms.id);
    this.#waitedFor.delete(sms);
  }

  clear(): void {
    this.#underWay.clear();
    this.#waitedFor.clear();
  }

  /** Whether something was heard of a transport, here or by who spoke before. */
  hasHeardOf(transport: string): boolean {
    return this.#heardOf.has(transport);
  }

  /** Who spoke before has heard of it. */
  noteHeardOf(transport: string): void {
    if (!this.#heardOf.has(transport)) this.heardOf(transport);
  }

  /** Something was heard of a transport. */
  heardOf(transport: string): void {
    this.#silent.delete(transport);
    const isKnown = this.#heardOf.has(transport) || this.#heardOf.size < MOST_TRANSPORTS;
    if (isKnown) this.#heardOf.set(transport, this.#sender.options.now());
  }

  #countSilence({ transport, sentAt }: Sms): void {
    // It spoke since, so it is only that one of which it does not.
    if ((this.#heardOf.get(transport) ?? -Infinity) > sentAt) return;
    const times = (this.#silent.get(transport) ?? 0) + 1;
    const [oldest = ""] = this.#silent.keys();
    if (this.#silent.size >= MOST_TRANSPORTS) this.#silent.delete(oldest);
    this.#silent.delete(transport);
    this.#silent.set(transport, times);
  }

  /** Ends those of which nothing was heard in time. Answers in how long to look again. */
  endOld(): number {
    return Math.min(this.#letOldPass(), this.#endUnacked());
  }

  /** To a slowed transport each is waited for until it is unacked: the next one may be throttled too. */
  #letOldPass(): number {
    const { elapsed, isDeaf } = this.#sender.options;
    for (const [sms, until] of this.#waitedFor) {
      const leftMs = until - elapsed();
      if (leftMs > 0) return Math.max(leftMs, LOOK_EVERY_MS);
      this.#waitedFor.delete(sms);
      if (isDeaf?.() || this.#pace.isFree(sms.transport)) this.#letPass(sms);
    }
    return Infinity;
  }

  #endUnacked(): number {
    const { now, metrics, isDeaf, sms: { unackedAfterMs, failUnacked } } = this.#sender.options;
    for (const sms of this.#underWay.values()) {
      // A clock that was set back would have it waited for until it is as late again.
      sms.sentAt = Math.min(sms.sentAt, now());
      const leftMs = sms.sentAt + unackedAfterMs - now();
      if (leftMs > 0) return leftMs;
      const { transport, id: messageId } = sms;
      this.delete(sms);
      // What is said of it may stand in the queue of events, behind a Turn that is slow or down.
      if (isDeaf?.()) {
        if (failUnacked) this.#waitLonger(sms);
        else this.#letPass(sms);
        continue;
      }
      this.#countSilence(sms);
      metrics.transports.heard(transport, "unacked");
      const values = { transport, messageId, seconds: unackedAfterMs / 1000 };
      log.warning("Nothing heard of {messageId} from {transport} within {seconds} s", values);
      if (!failUnacked) this.#letPass(sms);
      else void this.#fail(sms, `nothing was heard of it within ${unackedAfterMs / 1000} s`);
    }
    return Infinity;
  }

  #waitLonger(sms: Sms): void {
    const { now, sms: { unackedAfterMs } } = this.#sender.options;
    sms.sentAt = now() - unackedAfterMs + DEAF_MS;
    this.#underWay.set(sms.id, sms);
  }

  /** Of a text that was split, what hears of this sends the next part before the user's next one. */
  #letPass(sms: Sms): void {
    if (readPartId(sms.id)?.kind !== "sms") return this.#sender.letPass(sms);
    void this.#report(sms, (connector) => connector.reportPending(sms.id));
  }

  /** Whether it was throttled, and has waited for longer than it is sent again. */
  isTooLate({ tries, firstAt }: Sms): boolean {
    const { now, sms: { resendForMs } } = this.#sender.options;
    return resendForMs > 0 && tries > 0 && now() > firstAt + resendForMs;
  }

  /** Has it told of as failed. */
  failLate(sms: Sms): Promise<void> {
    const seconds = this.#sender.options.sms.resendForMs / 1000;
    return this.#fail(sms, `the operator has not taken it within ${seconds} s`);
  }

  async #fail(sms: Sms, reason: string): Promise<void> {
    const isTold = await this.#report(sms, (connector) => connector.reportFailed(sms.id, reason));
    // Else it was throttled meanwhile.
    if (isTold && sms.state !== "waits") this.#sender.end(sms);
  }

  /** Answers whether RabbitMQ has taken it. */
  async #report(
    { id: messageId }: Sms,
    publish: (connector: Connector) => Promise<void>,
  ): Promise<boolean> {
    const { connector, stopping, after } = this.#sender.options;
    while (!stopping.aborted && connector.leads) {
      try {
        await publish(connector);
        return true;
      } catch (error) {
        if (error instanceof PublishError) await sleep(PAUSE_MS, stopping, after);
        else {
          log.error("A bug with SMS {messageId}, please report it: {error}", { messageId, error });
          return false;
        }
      }
    }
    return false;
  }
}
