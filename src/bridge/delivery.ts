// A message on its way to Turn, in hand: in its user's order, not twice, tried as often as is worth it,
// and in the end delivered or parked. Whatever it has to wait for, it waits in hand, and goes on
// elsewhere as a copy when that gets too long; back to its queue it goes only when we stop.
//
// A flow calls what it needs of a `Delivery`, from top to bottom: begin, send, delivered.
// What answers a disposition has ended it.

import { CacheError, type Note } from "../cache/mod.ts";
import { type Arrival, type Disposition, PublishError } from "../vumi/mod.ts";
import { attempt } from "./attempts.ts";
import type { DeliveryParts } from "./deliveries.ts";
import type { DeliveredRecord } from "./delivery_records.ts";
import type { Held } from "./in_flight.ts";
import type { Job, Subject } from "./job.ts";
import type { Kept } from "./outcomes.ts";
import { POISON_AT } from "./poison_messages.ts";
import { afterFailure, type Failed } from "./retries.ts";
import { NO_PAST, type Past, readPast } from "./retry_headers.ts";

/** How long it is waited when the cache fails. */
const CACHE_PAUSE_MS = 2_000;
/**
 * A message that was returned to its queue so often is copied before anything else. RabbitMQ drops it
 * at 20 by default; a policy may say less, and until it is copied it may be returned again.
 */
const MOST_RETURNS = 3;
/** And so often, if the cache fails and its place in its user's order can't be looked up. */
const MOST_RETURNS_IN_ORDER = 15;

const RETURNED_TOO_OFTEN = "it was returned to its queue too often";

type Delivered = DeliveredRecord & { readonly kind: "delivered" };

/** One message or event in hand, whose turn has come; `P` is what Turn is told. */
export class Delivery<P> implements Disposable {
  readonly job: Job;
  readonly arrival: Arrival;
  readonly held: Held;
  /** What it came with; undefined if it was not sent elsewhere before. */
  readonly past: Past | undefined;
  /** Whether it has been here before: Turn may have it, or we may have died over it. */
  readonly isRepeated: boolean;
  /** Calls to Turn that have failed before it came now. */
  readonly attemptsBefore: number;
  /** Whom it is about; its flow says so when it knows more than its job did. */
  subject: Subject;
  /** What else is logged at its end. */
  details: Readonly<Record<string, unknown>> = {};
  /** Quick attempts that have failed by no fault of Turn's as a whole, before and now. */
  failures: number;
  /** When the first attempt failed, then or before; undefined if none has. */
  firstFailureAt: number | undefined;
  /** Whether work on it may have been begun, now or before. */
  isBegun: boolean;
  /** Whether it is sure that nothing was done about it before it began; known then. */
  isNew = false;
  /** Whether it is counted for the audit that it has come. */
  isIn: boolean;
  readonly #parts: DeliveryParts<P>;
  /** Whether we may have died over it. */
  readonly #mayHaveCrashed: boolean;
  /** Whether what was noted of its absence was taken back. */
  #hasArrived = false;
  #isReturnCounted = false;
  #hasWaited = false;
  /** The disposition, once that was reported. */
  #end: Disposition | undefined;
  /** How often we have ended with it in work; undefined if that is not to be feared. */
  #crashes: number | undefined;
  /** Guards what is done before Turn is called. */
  #watch: AsyncDisposable | undefined;

  constructor(parts: DeliveryParts<P>, job: Job, arrival: Arrival, held: Held) {
    this.#parts = parts;
    this.arrival = arrival;
    this.job = job;
    this.held = held;
    this.subject = job.subject;
    this.past = readPast(arrival.headers);
    this.isRepeated = arrival.redelivered || this.past !== undefined;
    this.isIn = this.isRepeated;
    this.attemptsBefore = this.past?.attempts ?? 0;
    // What we know of it, if it was in hand here before and we let it go ourselves.
    const released = this.isRepeated ? parts.poison.takeReleased(job.id) : undefined;
    const mayBeBegun = arrival.redelivered || this.past?.isBegun === true;
    this.isBegun = released?.isBegun ?? mayBeBegun;
    this.#mayHaveCrashed = mayBeBegun && released === undefined;
    const before = this.past?.waits === 0 ? this.past.attempts : 0;
    this.failures = Math.max(released?.failures ?? 0, before);
    const failedAt = this.past?.firstFailureAt ?? released?.firstFailureAt;
    // A date to come is not ours, and would have it tried until then.
    this.firstFailureAt = failedAt && Math.min(failedAt, parts.now());
  }

  /** Runs the flow's script until it comes to a disposition: anew each time the cache has failed. */
  async run(script: () => Promise<Disposition>): Promise<Disposition> {
    for (;;) {
      try {
        return await this.#arrive() ?? await script();
      } catch (error) {
        const moved = await this.#recover(error);
        if (moved !== undefined) return moved;
      }
    }
  }

  /** Ends a message that Turn had already. */
  duplicate(): Promise<Disposition> {
    return this.#finish(this.#parts.outcomes.duplicate(this, this.attemptsBefore));
  }

  /**
   * Begins the work. A message that may end the program is watched; one that has done so too often is
   * parked, which is answered.
   */
  async begin(): Promise<Disposition | undefined> {
    this.#countReturn();
    this.isNew = !this.isBegun && this.attemptsBefore === 0;
    this.isBegun = true;
    if (!this.#mayHaveCrashed) return undefined;
    const { poison, outcomes } = this.#parts;
    const crashes = this.#crashes = poison.crashes(this.job.id);
    if (crashes >= POISON_AT) {
      const reason = `the program ended ${crashes} times while it had this in work`;
      return await this.#finish(outcomes.park(this, { reason }));
    }
    this.#watch = await this.watch();
    return undefined;
  }

  /** Counts for the audit that it has come. */
  countIn(): void {
    this.isIn = true;
    void this.#parts.outcomes.audit(["in"]);
  }

  /** Ends a message that Turn need not know of, for a reason in a plain word. */
  async skip(why: string, ...kept: Kept): Promise<Disposition> {
    await this.#endWatch();
    return await this.#finish(this.#parts.outcomes.skipped(this, why, ...kept));
  }

  /** Ends a message that asked for a page, which was sent. */
  async paged(notes: readonly Note[]): Promise<Disposition> {
    await this.#endWatch();
    return await this.#finish(this.#parts.outcomes.paged(this, notes));
  }

  /** Sends `payload` to Turn, as often as is worth it. Answers a disposition if Turn does not take it. */
  async send(payload: P): Promise<Delivered | Disposition> {
    await this.#endWatch();
    const { now } = this.#parts;
    const result = await attempt(this.#parts, this, payload);
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

  /** Ends a message that Turn has, which `notes` record; see {@linkcode Outcomes.delivered}. */
  async delivered(record: DeliveredRecord, ...kept: Kept): Promise<Disposition> {
    return await this.#finish(await this.#parts.outcomes.delivered(this, record, ...kept));
  }

  /** Lets the next message of its user come. */
  [Symbol.dispose](): void {
    this.#parts.order.leave(this.job.key);
    this.#parts.inFlight.release(this.held);
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

  /** Counts an attempt that has failed. */
  fail(): void {
    this.failures++;
    this.firstFailureAt ??= this.#parts.now();
  }

  /** Its past as of now. Attempts before the first wait were quick ones, and go on after it. */
  pastAt(now: number): Past {
    const { past = NO_PAST, failures } = this;
    const attempts = past.waits === 0 ? failures : past.attempts + failures;
    const firstFailureAt = attempts === 0 ? undefined : this.firstFailureAt ?? now;
    return { ...past, attempts, firstFailureAt };
  }

  /** Answers where it goes if it can't be worked on: behind others, away after too long, or back. */
  async #arrive(): Promise<Disposition | undefined> {
    const { forwarder } = this.#parts;
    const { held, past } = this;
    if (held.isBack) return this.#putBack();
    if (!held.isOver) await forwarder.order.ready(this.job.key);
    if (past !== undefined && !this.#hasArrived) forwarder.back(this, past);
    this.#hasArrived = true;
    const behind = forwarder.placeBehind(this);
    if (behind !== undefined) {
      this.#leave();
      return await forwarder.behind(this, behind);
    }
    if (this.arrival.returns >= MOST_RETURNS) return await this.#again(RETURNED_TOO_OFTEN);
    return held.isOver ? await this.#stop() : undefined;
  }

  /**
   * Waits because the cache fails, or the broker takes no message, unless it answers a disposition. Any
   * other error is a bug, and the message parked; but what has come to its end stays so.
   */
  async #recover(error: unknown): Promise<Disposition | undefined> {
    await this.#endWatch();
    const { outcomes } = this.#parts;
    if (this.#end !== undefined) {
      outcomes.bugAfterEnd(this, error);
      return this.#end;
    }
    const isWaited = error instanceof CacheError || error instanceof PublishError;
    if (!isWaited) return this.#end = outcomes.parkForBug(this, error);
    outcomes.waits(this, error, this.#hasWaited);
    this.#hasWaited = true;
    // RabbitMQ may drop it before the cache is back. Its place, if it had one, is worth less.
    if (this.arrival.returns >= MOST_RETURNS_IN_ORDER && !this.held.isBack) {
      return await this.#again(RETURNED_TOO_OFTEN);
    }
    await this.held.wait(CACHE_PAUSE_MS);
    return undefined;
  }

  async #fail(failed: Failed): Promise<Disposition> {
    const { retry: { delaysMs }, forwarder, outcomes } = this.#parts;
    const now = this.#parts.now();
    const past = this.pastAt(now);
    const next = afterFailure(past, failed, { delaysMs, forMs: this.job.retryForMs, now });
    const { reason, status } = failed;
    const failure = { reason, status, attempts: past.attempts };
    return await this.#finish(
      next.kind === "later"
        ? await forwarder.later(this, next, failure)
        : outcomes.park(this, failure, next),
    );
  }

  /** Ends the work, as the time in hand is over, or we stop. */
  async #stop(): Promise<Disposition> {
    const { isBack, isOver } = this.held;
    return isBack || !isOver ? this.#putBack() : await this.#again("it was in hand for too long");
  }

  async #again(reason: string): Promise<Disposition> {
    this.#leave();
    return await this.#parts.forwarder.again(this, reason);
  }

  /** Notes that a copy of it goes on, so that its next coming is not taken for a crash. */
  #leave(): void {
    this.#countReturn();
    if (!this.isBegun || this.#mayHaveCrashed) return;
    this.#parts.poison.release(this.job.id, { failures: 0, isBegun: true });
  }

  #putBack(): Disposition {
    const { job: { id }, failures, firstFailureAt, isBegun } = this;
    this.#parts.poison.release(id, { failures, firstFailureAt, isBegun });
    return this.#parts.outcomes.putBack(this);
  }

  #countReturn(): void {
    if (!this.arrival.redelivered || !this.#mayHaveCrashed || this.#isReturnCounted) return;
    this.#isReturnCounted = true;
    this.#parts.outcomes.returned(this);
  }

  async #endWatch(): Promise<void> {
    const watch = this.#watch;
    this.#watch = undefined;
    await watch?.[Symbol.asyncDispose]();
  }

  /** Ends it, so that it is no longer taken for what ends the program. */
  async #finish(end: Disposition): Promise<Disposition> {
    this.#end = end;
    if (this.#crashes !== undefined) await this.#parts.poison.forget(this.job.id);
    return end;
  }
}
