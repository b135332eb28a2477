// The SMS of each user, in their order, as far as the bridge that speaks for the channel knows of them:
// only the first one may be sent.

import type { UserAddresses } from "../cache/mod.ts";
import type { Trace } from "../telemetry/mod.ts";
import type { Disposition, Message } from "../vumi/mod.ts";
import type { KeptSms } from "./sms_records.ts";

/** What has come off the queue `held.sms`, and is in hand. */
export interface HeldItem {
  /** In milliseconds, as the clock of the bridge has them. */
  readonly arrivedAt: number;
  /** Fires when it can't be acked any more; then it comes again. */
  readonly lost: AbortSignal;
  end(disposition: Disposition): void;
}

/** Where an SMS is: not yet held for sure; waiting; on its way to RabbitMQ; there, and not heard of. */
export type SmsState = "coming" | "waits" | "sending" | "under_way";

/** One SMS; what is kept of it, beside where it is. */
export interface Sms extends Omit<KeptSms, "message" | "sentAt"> {
  readonly id: string;
  /** By what the user is known. */
  readonly user: string;
  readonly transport: string;
  /** Its place among the user's: vumi's timestamp. */
  readonly order: string;
  /** Unknown here, and kept in the cache, if it was published at once. */
  message: Message | undefined;
  state: SmsState;
  sentAt: number;
  tries: number;
  errors: number;
  firstAt: number;
  dueAt: number;
  nack: string | undefined;
  /** It in the queue `held.sms`, perhaps more than once; none if it is not there, or not in hand. */
  readonly items: HeldItem[];
  /** Whether it has been put there. */
  isHeld: boolean;
  trace: Trace | undefined;
  /** Whether another bridge may have sent it. */
  isResumed: boolean;
  /** Resolves when it is sent, or has not been. */
  sending: Promise<void> | undefined;
}

export function newSms(message: Message, state: SmsState, addresses: UserAddresses): Sms {
  const { message_id: id, to_addr, transport_name: transport, timestamp: order } = message;
  return {
    ...{ id, user: addresses.key(to_addr), transport, order, message, state },
    ...{ sentAt: 0, tries: 0, errors: 0, firstAt: 0, dueAt: 0, nack: undefined },
    ...{ items: [], isHeld: false, isResumed: false, trace: undefined, sending: undefined },
  };
}

/** Of so many that have ended it is known; they may still come off the queue. */
const MOST_ENDED = 20_000;

/** All that are known. */
export class SmsLines {
  readonly #all = new Map<string, Sms>();
  readonly #lines = new Map<string, Sms[]>();
  /** Ids. */
  readonly #ended = new Set<string>();

  get size(): number {
    return this.#all.size;
  }

  get(id: string): Sms | undefined {
    return this.#all.get(id);
  }

  /** A user's, in order; by what the user is known. */
  of(user: string): readonly Sms[] {
    return this.#lines.get(user) ?? [];
  }

  add(sms: Sms): void {
    this.#all.set(sms.id, sms);
    const line = this.#lines.get(sms.user) ?? [];
    this.#lines.set(sms.user, line);
    const later = line.findIndex(({ order }) => order > sms.order);
    line.splice(later < 0 ? line.length : later, 0, sms);
  }

  /** Lets the user's others pass. */
  release({ id, user }: Sms): void {
    const line = this.#lines.get(user);
    const index = line?.findIndex((each) => each.id === id) ?? -1;
    if (index >= 0) line?.splice(index, 1);
    if (line?.length === 0) this.#lines.delete(user);
  }

  remove(sms: Sms): void {
    this.#all.delete(sms.id);
    this.release(sms);
  }

  /** The one with this id is done with: what is kept of it may still say otherwise. */
  end(id: string): void {
    const sms = this.#all.get(id);
    if (sms !== undefined) this.remove(sms);
    this.#ended.add(id);
    const [oldest = ""] = this.#ended;
    if (this.#ended.size > MOST_ENDED) this.#ended.delete(oldest);
  }

  /** It is to be sent again. */
  reopen(id: string): void {
    this.#ended.delete(id);
  }

  hasEnded(id: string): boolean {
    return this.#ended.has(id);
  }

  clear(): void {
    for (const known of [this.#all, this.#lines, this.#ended]) known.clear();
  }
}
