/**
 * A message on its way to Turn, in hand: in its user's order, not twice, tried as often as is worth it,
 * and in the end delivered or parked. Whatever it has to wait for, it waits in hand, and goes on
 * elsewhere as a copy when that gets too long; back to its queue it goes only when we stop.
 *
 * A flow calls what it needs of a {@linkcode Delivery}, from top to bottom: arrive, begin, send,
 * delivered. What answers a disposition has ended it.
 *
 * @module
 */

import { CacheError, type Note } from "../cache/mod.ts";
import { readTrace, type Trace } from "../telemetry/mod.ts";
import type { Arrival, Disposition } from "../vumi/mod.ts";
import type { Attempts } from "./attempts.ts";
import type { CopyForwarder } from "./copy_forwarder.ts";
import type { DeliveredRecord } from "./delivery_records.ts";
import type { Held, InFlight } from "./in_flight.ts";
import type { Job } from "./job.ts";
import type { FlowOptions } from "./options.ts";
import type { Outcomes } from "./outcomes.ts";
import type { PoisonMessages, Released } from "./poison_messages.ts";
import { afterFailure, type Failed } from "./retries.ts";
import { NO_PAST, type Past, readPast } from "./retry_headers.ts";
import type { UserOrder } from "./user_order.ts";

/** How long it is waited when the cache fails, in milliseconds. */
const CACHE_PAUSE_MS = 2_000;
/**
 * A message that was returned to its queue so often is copied before anything else. RabbitMQ drops it
 * at 20 by default; a policy may say less, and until it is copied it may be returned again.
 */
const MOST_RETURNS = 3;
/** And so often, if the cache fails and its place in its user's order can't be looked up. */
const MOST_RETURNS_IN_ORDER = 15;

/** What all deliveries of a flow share. */
export interface DeliveryParts<P> extends FlowOptions {
  readonly inFlight: InFlight;
  readonly order: UserOrder<number>;
  readonly forwarder: CopyForwarder;
  readonly poison: PoisonMessages;
  readonly attempts: Attempts<P>;
  readonly outcomes: Outcomes;
}

/** Turn has it. */
export type Delivered = DeliveredRecord & { readonly kind: "delivered" };

/** One message or event in hand, whose turn has come; `P` is what Turn is told. */
export class Delivery<P> implements Disposable {
  readonly job: Job;
  readonly held: Held;
  /** What it came with; undefined if it was not sent elsewhere before. */
  readonly past: Past | undefined;
  /** What else is logged at its end. */
  details: Readonly<Record<string, unknown>> = {};
  /** Quick attempts that have failed by no fault of Turn's as a whole, before and now. */
  failures: number;
  /** Whether work on it may have been begun, now or before. */
  isBegun: boolean;
  /** Whether it is sure that nothing was done about it before it began; known then. */
  isNew = false;
  /** Whether Turn was called about it. */
  isCalled = false;
  readonly #parts: DeliveryParts<P>;
  readonly #arrival: Arrival;
  /** What we know of it, if it was in hand here before and we let it go ourselves. */
  readonly #released: Released | undefined;
  /** Whether what was noted of its absence was taken back. */
  #hasArrived = false;
  #isReturnCounted = false;
  #hasCacheFailed = false;
  /** How often we have ended with it in work; undefined if that is not to be feared. */
  #crashes: number | undefined;
  /** Guards what is done before Turn is called. */
  #watch: AsyncDisposable | undefined;

  constructor(parts: DeliveryParts<P>, job: Job, arrival: Arrival, held: Held) {
    this.#parts = parts;
    this.#arrival = arrival;
    this.job = job;
    this.held = held;
    this.past = readPast(arrival.headers);
    this.#released = this.isRepeated ? parts.poison.takeReleased(job.id) : undefined;
    this.isBegun = this.#released?.isBegun ?? (arrival.redelivered || this.past?.isBegun === true);
    const before = this.past?.waits === 0 ? this.past.attempts : 0;
    this.failures = Math.max(this.#released?.failures ?? 0, before);
  }

  /** Whether it has been here before: Turn may have it, or we may have died over it. */
  get isRepeated(): boolean {
    return this.#arrival.redelivered || this.past !== undefined;
  }

  /** Calls to Turn that have failed before it came now. */
  get attemptsBefore(): number {
    return this.past?.attempts ?? 0;
  }

  /**
   * Looks whether it may be worked on. Else, and also if we stop, it goes elsewhere: so it says.
   *
   * @throws {CacheError} If the cache fails.
   */
  async arrive(): Promise<Disposition | undefined> {
    const { forwarder } = this.#parts;
    const { held, past, job: { key } } = this;
    if (held.isBack) return this.#putBack();
    const looking = held.isOver ? undefined : forwarder.ready(key);
    if (looking !== undefined) await looking;
    if (past !== undefined && !this.#hasArrived) forwarder.back(this.job, past);
    this.#hasArrived = true;
    const behind = forwarder.placeBehind(key, past);
    if (behind !== undefined) {
      this.#leave();
      return await forwarder.behind(this, behind);
    }
    if (this.#arrival.returns >= MOST_RETURNS) return await this.#again("was returned too often");
    return held.isOver ? await this.#stop() : undefined;
  }

  /** Turn had it already. */
  duplicate(): Disposition {
    return this.#parts.outcomes.duplicate(this, this.attemptsBefore);
  }

  /**
   * Work on it begins. One that may end the program is watched from now on, or parked: so it says.
   *
   * @throws {CacheError} If the cache fails.
   */
  async begin(): Promise<Disposition | undefined> {
    this.#countReturn();
    this.isNew = !this.isBegun && this.attemptsBefore === 0;
    this.isBegun = true;
    if (!this.#mayHaveCrashed) return undefined;
    const { poison, outcomes } = this.#parts;
    const crashes = this.#crashes = await poison.crashes(this.job.id);
    if (poison.isPoison(crashes)) {
      await this.#clearPoison();
      const reason = `the program ended ${crashes} times while it had this in work`;
      return outcomes.park(this, { reason });
    }
    this.#watch = await this.watch();
    return undefined;
  }

  /** Counts for the audit that it has come. */
  countIn(): void {
    this.#parts.outcomes.audit("in");
  }

  /** Turn need not know of it, for a reason in a plain word. */
  async skip(why: string): Promise<Disposition> {
    await this.#endWatch();
    const disposition = this.#parts.outcomes.skipped(this, why);
    await this.#clearPoison();
    return disposition;
  }

  /** Tells Turn, as often as is worth it: then it has it, or the message goes elsewhere. */
  async send(payload: P): Promise<Delivered | Disposition> {
    await this.#endWatch();
    const { attempts, now } = this.#parts;
    const result = await attempts.run(this, payload);
    switch (result.kind) {
      case "superseded":
        return await this.skip("superseded");
      case "over":
        return await this.#stop();
      case "refused":
      case "retry":
        return await this.#fail(result);
      case "delivered":
        return { kind: "delivered", at: now(), attempts: this.pastAt(now()).attempts + 1 };
    }
  }

  /** Turn has it, and `notes` say so; see {@linkcode Outcomes.delivered}. */
  async delivered(record: DeliveredRecord, notes: readonly Note[]): Promise<Disposition> {
    const disposition = await this.#parts.outcomes.delivered(this, record, notes);
    await this.#clearPoison();
    return disposition;
  }

  /**
   * Waits because the cache fails; the flow then begins anew, unless the message goes elsewhere: so it
   * says. Any other error is a bug, and thrown.
   */
  async recover(error: unknown): Promise<Disposition | undefined> {
    await this.#endWatch();
    const { outcomes } = this.#parts;
    if (!(error instanceof CacheError)) {
      outcomes.park(this, { reason: `bug: ${error}` });
      throw error;
    }
    outcomes.cacheFailed(this, error.message, this.#hasCacheFailed);
    this.#hasCacheFailed = true;
    // RabbitMQ may drop it before the cache is back. Its place, if it had one, is worth less.
    if (this.#arrival.returns >= MOST_RETURNS_IN_ORDER && !this.held.isBack) {
      return await this.#again("was returned too often");
    }
    await this.held.wait(CACHE_PAUSE_MS);
    return undefined;
  }

  /** It is answered: the next one of its user may come. */
  [Symbol.dispose](): void {
    this.#parts.order.leave(this.job.key);
    this.#parts.inFlight.release(this.held);
  }

  get trace(): Trace | undefined {
    return readTrace((name) => this.#arrival.headers[name]);
  }

  /** What comes out of a delay queue has had its quick attempts. */
  get quickRetries(): number {
    return (this.past?.waits ?? 0) > 0 ? 0 : this.#parts.retry.maxRetries;
  }

  /** Whether one that waits behind it makes it useless. */
  get isSuperseded(): boolean {
    const { rank, key } = this.job;
    return rank > 0 && this.#parts.order.behind(key).some((later) => later > rank);
  }

  /** Guards work that may end the program; see {@linkcode PoisonMessages.watch}. */
  async watch(): Promise<AsyncDisposable | undefined> {
    const crashes = this.#crashes;
    return crashes === undefined ? undefined : await this.#parts.poison.watch(this.job.id, crashes);
  }

  /**
   * What it has behind it now. Attempts before its first wait were quick ones: it comes back to the
   * rest of them.
   */
  pastAt(now: number): Past {
    const { past = NO_PAST, failures } = this;
    const attempts = past.waits === 0 ? failures : past.attempts + failures;
    const firstFailureAt = attempts === 0 ? undefined : past.firstFailureAt ?? now;
    return { ...past, attempts, firstFailureAt };
  }

  /** Whether we may have died over it. */
  get #mayHaveCrashed(): boolean {
    const mayBe = this.#arrival.redelivered || this.past?.isBegun === true;
    return mayBe && this.#released === undefined;
  }

  async #fail(failed: Failed): Promise<Disposition> {
    const { retry: { delaysMs }, forwarder, outcomes } = this.#parts;
    const now = this.#parts.now();
    const past = this.pastAt(now);
    const next = afterFailure(past, failed, { delaysMs, forMs: this.job.retryForMs, now });
    const { reason, status } = failed;
    const disposition = next.kind === "later"
      ? await forwarder.later(this, next, reason)
      : outcomes.park(this, { reason, status, attempts: past.attempts }, next);
    await this.#clearPoison();
    return disposition;
  }

  /** Nothing more is begun for it: its time in hand is over, or we stop. */
  async #stop(): Promise<Disposition> {
    const { isBack, isOver } = this.held;
    return isBack || !isOver ? this.#putBack() : await this.#again("was in hand for too long");
  }

  async #again(reason: string): Promise<Disposition> {
    this.#leave();
    return await this.#parts.forwarder.again(this, reason);
  }

  /** A copy of it goes on; that says nothing against it. */
  #leave(): void {
    this.#countReturn();
    if (!this.isBegun || this.#mayHaveCrashed) return;
    this.#parts.poison.release(this.job.id, { failures: 0, isBegun: true });
  }

  #putBack(): Disposition {
    const { job: { id }, failures, isBegun } = this;
    this.#parts.poison.release(id, { failures, isBegun });
    return this.#parts.outcomes.putBack(this);
  }

  #countReturn(): void {
    if (!this.#arrival.redelivered || !this.#mayHaveCrashed || this.#isReturnCounted) return;
    this.#isReturnCounted = true;
    this.#parts.outcomes.returned(this);
  }

  async #endWatch(): Promise<void> {
    const watch = this.#watch;
    this.#watch = undefined;
    await watch?.[Symbol.asyncDispose]();
  }

  /** It is answered, so it is no more what ends the program. */
  async #clearPoison(): Promise<void> {
    if (this.#crashes !== undefined) await this.#parts.poison.forget(this.job.id);
  }
}
