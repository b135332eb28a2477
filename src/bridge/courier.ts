/**
 * What becomes of a message on its way to Turn: in its user's order, not twice, tried as often as is
 * worth it, and in the end delivered or parked. Whatever it has to wait for, it waits in hand, and
 * goes on elsewhere as a copy when that gets too long; back to its queue it goes only when we stop.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { CacheError, type MessageCache } from "../cache/mod.ts";
import type { Arrival, Disposition } from "../vumi/mod.ts";
import type { AlarmOptions } from "./alarm.ts";
import { Answers } from "./answers.ts";
import { type Around, Caller, type CallerOptions, type Skip } from "./caller.ts";
import { Elsewhere } from "./elsewhere.ts";
import { Hand } from "./hand.ts";
import { Lanes } from "./lanes.ts";
import { Ledger } from "./ledger.ts";
import { type Parcel, Work } from "./parcel.ts";
import { afterFailure, type Failed, NO_PAST } from "./retries.ts";
import { Suspects } from "./suspects.ts";

const log = getLogger(["turn-channels", "bridge"]);

/** How long it is waited when the cache fails, in milliseconds. */
const CACHE_PAUSE_MS = 2_000;
/** RabbitMQ waits for an answer for 30 minutes, unless it is told otherwise. */
const HOLD_MS = 15 * 60_000;
/**
 * A message that was returned to its queue so often is copied before anything else. RabbitMQ drops it
 * at 20 by default; a policy may say less, and until it is copied it may be returned again.
 */
const MOST_RETURNS = 3;
/** And so often, if the cache fails and its place in its user's order can't be looked up. */
const MOST_RETURNS_IN_ORDER = 15;

/** What a {@linkcode Courier} is made of. */
export interface CourierOptions extends CallerOptions, AlarmOptions {
  /** What is known already. */
  readonly cache: MessageCache;
  /** Fires when nothing new is to be begun. */
  readonly stopping: AbortSignal;
  /**
   * Longest that a message stays in hand, in milliseconds, whatever it waits for: well below the time
   * after which RabbitMQ takes it away. 15 minutes by default.
   */
  readonly holdMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Delivers to Turn. */
export class Courier<T> {
  readonly #options: CourierOptions;
  readonly #now: () => number;
  readonly #caller: Caller;
  readonly #hand: Hand;
  readonly #lanes = new Lanes<T>();
  readonly #elsewhere: Elsewhere;
  readonly #suspects: Suspects;
  readonly #ledger: Ledger;
  readonly #answers: Answers;

  /** Makes it; no I/O. */
  constructor(options: CourierOptions) {
    const { holdMs = HOLD_MS, now = Date.now } = options;
    this.#options = options;
    this.#now = now;
    this.#caller = new Caller(options);
    this.#hand = new Hand({ ...options, holdMs });
    this.#elsewhere = new Elsewhere({ ...options, now });
    this.#suspects = new Suspects(options.cache);
    this.#ledger = new Ledger(options.cache, options.flow);
    this.#answers = new Answers({ ...options, now });
  }

  /** What waits behind the parcel of `key` that is being delivered, the next first. */
  behind(key: string): readonly T[] {
    return this.#lanes.behind(key);
  }

  /**
   * Somebody else has spoken for the channel meanwhile: what is known of messages that wait elsewhere
   * is forgotten, and looked up. To be called before a message is delivered then.
   */
  forget(): void {
    this.#elsewhere.forget();
  }

  /** Delivers when all earlier ones of the same key are done with. */
  async deliver(parcel: Parcel<T>, arrival: Arrival): Promise<Disposition> {
    const held = this.#hand.take(arrival.lost);
    try {
      return await this.#lanes.run(
        parcel.key,
        parcel.value,
        () => this.#settle(new Work(parcel, arrival, held, this.#suspects)),
      );
    } finally {
      this.#hand.release(held);
    }
  }

  async #settle(work: Work<T>): Promise<Disposition> {
    for (;;) {
      try {
        return await this.#try(work);
      } catch (error) {
        if (!(error instanceof CacheError)) {
          this.#ledger.count("parked"); // For that is what becomes of a bug's message.
          throw error;
        }
        this.#reportCache(work, error);
        // RabbitMQ may drop it before the cache is back. Its place, if it had one, is worth less.
        if (work.arrival.returns >= MOST_RETURNS_IN_ORDER && !work.held.isBack) {
          return await this.#again(work, "was returned too often");
        }
        await work.held.wait(CACHE_PAUSE_MS);
      }
    }
  }

  async #try(work: Work<T>): Promise<Disposition> {
    const { parcel, arrival: { redelivered, returns }, past, held } = work;
    const { key } = parcel;
    if (held.isBack) return this.#putBack(work);
    const looking = held.isOver ? undefined : this.#elsewhere.ready(key);
    if (looking !== undefined) await looking;
    if (past !== undefined && !work.hasArrived) this.#elsewhere.back(parcel, past);
    work.hasArrived = true;
    const behind = this.#elsewhere.placeBehind(key, past);
    if (behind !== undefined) {
      return await this.#leave(work, () => this.#elsewhere.behind(work, behind));
    }
    if (returns >= MOST_RETURNS) return await this.#again(work, "was returned too often");
    if (held.isOver) return await this.#stop(work);
    if (past === undefined && !redelivered) return await this.#call(work);
    return await this.#settleAgain(work);
  }

  /** It has been here before: Turn may have it, or we may have died over it. */
  async #settleAgain(work: Work<T>): Promise<Disposition> {
    const { parcel, past = NO_PAST } = work;
    const { id } = parcel;
    if (await parcel.isDelivered()) {
      return this.#answers.duplicate(parcel, past.attempts);
    }
    this.#countReturn(work);
    if (!work.isSuspect) return await this.#call(work);
    const deaths = await this.#suspects.deaths(id);
    if (this.#suspects.isGuilty(deaths)) {
      await this.#suspects.forget(id);
      const reason = `the program ended ${deaths} times while it had this in work`;
      return this.#answers.parked(parcel, { reason });
    }
    const disposition = await this.#call(work, (one) => this.#suspects.watch(id, deaths, one));
    // One that is not answered for good may not have been worked on at all.
    const isOpen = disposition.kind === "requeue" || disposition.kind === "again";
    if (!isOpen) await this.#suspects.forget(id);
    return disposition;
  }

  async #call(work: Work<T>, around?: Around): Promise<Disposition> {
    const { parcel, held, tries, past = NO_PAST, isNew } = work;
    const { id, names } = parcel;
    work.isBegun = true;
    const prepare = (): Promise<Skip | undefined> => parcel.prepare(isNew);
    const skip = await (around === undefined ? prepare() : around(prepare));
    if (skip !== undefined) return this.#answers.skipped(parcel, skip);
    const outcome = await this.#caller.run({
      id,
      names,
      held,
      // What comes out of a delay queue has had its quick attempts.
      retries: past.waits > 0 ? 0 : this.#options.retry.maxRetries,
      tries,
      call: (signal) => parcel.call(signal),
      around,
    });
    switch (outcome.kind) {
      case "skip":
        return this.#answers.skipped(parcel, outcome);
      case "over":
        return await this.#stop(work);
      case "failed":
        return await this.#fail(work, outcome.failed);
      case "delivered":
        return await this.#answers.delivered(parcel, work.pastAt(this.#now()).attempts + 1);
    }
  }

  async #fail(work: Work<T>, failed: Failed): Promise<Disposition> {
    const { parcel } = work;
    const { flow, metrics, retry: { delaysMs } } = this.#options;
    const now = this.#now();
    const past = work.pastAt(now);
    const disposition = afterFailure(past, failed, { delaysMs, forMs: parcel.retryForMs, now });
    const { reason, status } = failed;
    const { attempts } = past;
    if (disposition.kind !== "later") {
      this.#answers.parked(parcel, { reason, status, attempts });
      return disposition;
    }
    const { delayMs } = disposition;
    metrics.count(flow, "delayed");
    log.warning("Not delivered, coming again in {delayMs} ms: {flow} {messageId}, {reason}", {
      flow,
      ...parcel.names,
      delayMs,
      reason,
      attempts,
    });
    return await this.#elsewhere.later(work, disposition, reason);
  }

  /** Nothing more is begun for it: its time in hand is over, or we stop. */
  async #stop(work: Work<T>): Promise<Disposition> {
    const { held } = work;
    if (held.isBack || !held.isOver) return this.#putBack(work);
    return await this.#again(work, "was in hand for too long");
  }

  #again(work: Work<T>, reason: string): Promise<Disposition> {
    return this.#leave(work, () => this.#elsewhere.again(work, reason));
  }

  /** A copy of it goes on; that says nothing against it. */
  async #leave(work: Work<T>, send: () => Promise<Disposition>): Promise<Disposition> {
    const { parcel: { id }, isSuspect, isBegun } = work;
    this.#countReturn(work);
    if (isBegun && !isSuspect) this.#suspects.clear(id, { failures: 0, isBegun });
    return await send();
  }

  #putBack({ parcel, tries: { failures }, isBegun }: Work<T>): Disposition {
    const { flow, metrics } = this.#options;
    this.#suspects.clear(parcel.id, { failures, isBegun });
    metrics.count(flow, "requeued");
    log.debug("Left for its next delivery: {flow} {messageId}", { flow, ...parcel.names });
    return { kind: "requeue" };
  }

  /** That it is one in work when we or the connection ended; once. */
  #countReturn(work: Work<T>): void {
    const { parcel, arrival: { redelivered }, isSuspect } = work;
    if (!redelivered || !isSuspect || work.isCounted) return;
    work.isCounted = true;
    const { flow, metrics } = this.#options;
    metrics.count(flow, "redelivered");
    this.#ledger.count("redelivered");
    log.info("Again, as it was in work when we or the connection ended: {flow} {messageId}", {
      flow,
      ...parcel.names,
    });
  }

  #reportCache(work: Work<T>, { message: reason }: CacheError): void {
    const { flow, metrics } = this.#options;
    metrics.count(flow, "cache_failed");
    const values = { flow, ...work.parcel.names, reason };
    const text = "The cache fails, {flow} {messageId} has to wait: {reason}";
    if (work.cacheFailures++ === 0) log.error(text, values);
    else log.debug(text, values);
  }
}
