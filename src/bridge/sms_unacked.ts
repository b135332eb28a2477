// Finds SMS of which nothing is heard after they were sent: they are counted by transport and named in the
// log, and told of as failed where that is wanted.

import { sleep } from "../async/mod.ts";
import { PublishError } from "../vumi/mod.ts";
import { log } from "./log.ts";
import type { Sms } from "./sms_lines.ts";
import type { SmsSenderOptions } from "./sms_sender.ts";

/** Of so many one after the other a transport has said nothing: it never does, and none waits for that. */
const SILENT_AT = 3;
/** How long the next one waits for one to a transport of which nothing was heard yet, and perhaps never is. */
const UNKNOWN_MS = 2_000;
/** Names come off the wire, so there may be any. */
const MOST_TRANSPORTS = 100;
/** How long it is waited when RabbitMQ takes nothing. */
const PAUSE_MS = 1_000;

export class SmsUnacked {
  readonly #options: SmsSenderOptions;
  readonly #end: (sms: Sms) => void;
  readonly #letPass: (sms: Sms) => void;
  /** In the order in which they were sent. */
  readonly #underWay = new Map<string, Sms>();
  /** The same of those to transports of which nothing had been heard then. */
  readonly #toUnknown = new Map<string, Sms>();
  readonly #silent = new Map<string, number>();
  readonly #heardOf = new Set<string>();

  /**
   * @param end Is called for each that is done with, as nothing will be heard of it.
   * @param letPass Is called for each that the user's next one no longer has to wait for.
   */
  constructor(
    options: SmsSenderOptions,
    end: (sms: Sms) => void,
    letPass: (sms: Sms) => void,
  ) {
    this.#options = options;
    this.#end = end;
    this.#letPass = letPass;
  }

  /** One was sent. Answers in how long to look at it. */
  add(sms: Sms): number {
    const { unackedAfterMs } = this.#options.sms;
    this.#underWay.set(sms.id, sms);
    if (this.#heardOf.has(sms.transport)) return unackedAfterMs;
    this.#toUnknown.set(sms.id, sms);
    return Math.min(UNKNOWN_MS, unackedAfterMs);
  }

  delete({ id }: Sms): void {
    this.#underWay.delete(id);
    this.#toUnknown.delete(id);
  }

  clear(): void {
    this.#underWay.clear();
    this.#toUnknown.clear();
  }

  /** Something was heard of a transport. */
  heardOf(transport: string): void {
    this.#silent.delete(transport);
    if (this.#heardOf.size < MOST_TRANSPORTS) this.#heardOf.add(transport);
  }

  /** Whether nothing is ever heard of a transport. */
  isSilent(transport: string): boolean {
    return (this.#silent.get(transport) ?? 0) >= SILENT_AT;
  }

  #countSilence(transport: string): void {
    const times = (this.#silent.get(transport) ?? 0) + 1;
    const [oldest = ""] = this.#silent.keys();
    if (this.#silent.size >= MOST_TRANSPORTS) this.#silent.delete(oldest);
    this.#silent.delete(transport);
    this.#silent.set(transport, times);
  }

  /** Ends those of which nothing was heard in time. Answers in how long to look again. */
  endOld(): number {
    return Math.min(this.#passUnknown(), this.#endUnacked());
  }

  #passUnknown(): number {
    for (const sms of this.#toUnknown.values()) {
      const leftMs = sms.sentAt + UNKNOWN_MS - this.#options.now();
      if (leftMs > 0) return leftMs;
      this.#toUnknown.delete(sms.id);
      if (this.#heardOf.has(sms.transport)) continue;
      this.#countSilence(sms.transport);
      this.#letPass(sms);
    }
    return Infinity;
  }

  #endUnacked(): number {
    const { now, metrics, sms: { unackedAfterMs, failUnacked } } = this.#options;
    for (const sms of this.#underWay.values()) {
      const leftMs = sms.sentAt + unackedAfterMs - now();
      if (leftMs > 0) return leftMs;
      const { transport, id: messageId } = sms;
      this.delete(sms);
      // What is said of it may stand in the queue of events, behind a Turn that is slow or down.
      if (this.#options.isDeaf?.()) {
        this.#end(sms);
        continue;
      }
      this.#countSilence(transport);
      metrics.transports.heard(transport, "unacked");
      const values = { transport, messageId, seconds: unackedAfterMs / 1000 };
      log.warning("Nothing heard of {messageId} from {transport} within {seconds} s", values);
      if (!failUnacked) this.#end(sms);
      else {
        this.#fail(sms).catch((error) =>
          log.error("A bug with SMS {messageId}, please report it: {error}", { messageId, error })
        );
      }
    }
    return Infinity;
  }

  async #fail(sms: Sms): Promise<void> {
    const { connector, sms: { unackedAfterMs }, stopping, after } = this.#options;
    const reason = `nothing was heard of it within ${unackedAfterMs / 1000} s`;
    while (!stopping.aborted && connector.leads) {
      try {
        await connector.reportFailed(sms.id, reason);
        return this.#end(sms);
      } catch (error) {
        if (!(error instanceof PublishError)) throw error;
        await sleep(PAUSE_MS, stopping, after);
      }
    }
  }
}
