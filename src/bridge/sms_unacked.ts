// Finds SMS of which nothing is heard after they were sent: they are counted by transport and named in the
// log, and told of as failed where that is wanted.

import { sleep } from "../async/mod.ts";
import { PublishError } from "../vumi/mod.ts";
import { log } from "./log.ts";
import type { Sms } from "./sms_lines.ts";
import type { SmsSenderOptions } from "./sms_sender.ts";

/** Of so many one after the other a transport has said nothing: it never does, and none waits for that. */
const SILENT_AT = 3;
/** How long the user's next one waits for one to a transport that is not slowed. */
const MOST_WAIT_MS = 2_000;
/** Names come off the wire, so there may be any. */
const MOST_TRANSPORTS = 100;
/** How long it is waited when RabbitMQ takes nothing. */
const PAUSE_MS = 1_000;

interface Listener {
  /** One is done with, as nothing will be heard of it. */
  end(sms: Sms): void;
  /** The user's next one no longer has to wait for it. */
  letPass(sms: Sms): void;
  /** Whether a transport is given less than all that comes. */
  isSlowed(transport: string): boolean;
  /** Whether a user's next one waits for word of the one before at all. */
  awaitsWord(sms: Sms): boolean;
}

export class SmsUnacked {
  readonly #options: SmsSenderOptions;
  readonly #listener: Listener;
  /** In the order in which they were sent. */
  readonly #underWay = new Map<string, Sms>();
  /** Those of them of which it is not decided yet how long the user's next one waits. */
  readonly #new = new Map<string, Sms>();
  readonly #heardOf = new Set<string>();
  readonly #silent = new Map<string, number>();

  constructor(options: SmsSenderOptions, listener: Listener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** One was sent. Answers in how long to look at it. */
  add(sms: Sms): number {
    const { unackedAfterMs } = this.#options.sms;
    this.#underWay.set(sms.id, sms);
    const isSilent = (this.#silent.get(sms.transport) ?? 0) >= SILENT_AT;
    if (isSilent || !this.#listener.awaitsWord(sms)) {
      this.#listener.letPass(sms);
      return unackedAfterMs;
    }
    this.#new.set(sms.id, sms);
    return Math.min(MOST_WAIT_MS, unackedAfterMs);
  }

  delete({ id }: Sms): void {
    this.#underWay.delete(id);
    this.#new.delete(id);
  }

  clear(): void {
    this.#underWay.clear();
    this.#new.clear();
  }

  /** Something was heard of a transport. */
  heardOf(transport: string): void {
    this.#silent.delete(transport);
    if (this.#heardOf.size < MOST_TRANSPORTS) this.#heardOf.add(transport);
  }

  /** Whether something was ever heard of it. */
  speaks(transport: string): boolean {
    return this.#heardOf.has(transport);
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
    return Math.min(this.#letPass(), this.#endUnacked());
  }

  /** What a slowed transport throttles is seldom: there it is waited for until it is unacked. */
  #letPass(): number {
    const { now, isDeaf } = this.#options;
    for (const sms of this.#new.values()) {
      const leftMs = sms.sentAt + MOST_WAIT_MS - now();
      if (leftMs > 0) return leftMs;
      this.#new.delete(sms.id);
      if (isDeaf?.() || !this.#listener.isSlowed(sms.transport)) this.#listener.letPass(sms);
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
        this.#listener.end(sms);
        continue;
      }
      this.#countSilence(transport);
      metrics.transports.heard(transport, "unacked");
      const values = { transport, messageId, seconds: unackedAfterMs / 1000 };
      log.warning("Nothing heard of {messageId} from {transport} within {seconds} s", values);
      if (!failUnacked) this.#listener.end(sms);
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
        return this.#listener.end(sms);
      } catch (error) {
        if (!(error instanceof PublishError)) throw error;
        await sleep(PAUSE_MS, stopping, after);
      }
    }
  }
}
