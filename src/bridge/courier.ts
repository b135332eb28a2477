/**
 * What becomes of a message on its way to Turn: in its user's order, not twice, tried as often as is
 * worth it, and in the end delivered, parked, or back in its queue.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { CacheError, type MessageCache, type Note } from "../cache/mod.ts";
import { type Arrival, type Disposition, isMovedAgain } from "../vumi/mod.ts";
import type { Result } from "../telemetry/mod.ts";
import { type Call, Caller, type CallerOptions, type Skip } from "./caller.ts";
import { reportEnding } from "./ending.ts";
import { Followers } from "./followers.ts";
import { Lanes } from "./lanes.ts";
import { Ledger } from "./ledger.ts";
import type { DeliveredNote } from "./notes.ts";
import { afterFailure, type Failed, NO_PAST, type Past, readPast, waitBehind } from "./retries.ts";
import { Suspects } from "./suspects.ts";

const log = getLogger(["turn-channels", "bridge"]);

/** How long it is remembered that Turn has something, in milliseconds: 48 hours. */
export const DELIVERED_TTL_MS: number = 48 * 60 * 60_000;
/** How long a message is held back when the cache fails, in milliseconds. */
const CACHE_PAUSE_MS = 2_000;

/** What a {@linkcode Courier} is made of. */
export interface CourierOptions extends CallerOptions {
  /** What is known already. */
  readonly cache: MessageCache;
}

/** One thing to be delivered. */
export interface Parcel<T> extends Pick<Call, "id" | "names" | "call"> {
  /** What it is about; see {@linkcode Courier.behind}. */
  readonly value: T;
  /** What has the same key stays in order. */
  readonly key: string;
  /** How long after the first failure it is worth trying, in milliseconds. */
  readonly retryForMs: number;
  /** When vumi queued it, in milliseconds since 1970. */
  readonly queuedAt?: number;
  /**
   * Whether Turn has it. Asked only of what has been here before.
   *
   * @throws {CacheError} Then the message waits.
   */
  isDelivered(): Promise<boolean>;
  /**
   * What has to be done before Turn is called.
   *
   * @param isNew Whether it is sure that this has not been done before.
   * @throws {CacheError} Then the message waits.
   */
  prepare(isNew: boolean): Promise<Skip | undefined>;
  /** What is to be remembered when Turn has it: since then, at the attempt of this number. */
  notes(delivered: DeliveredNote): readonly Note[];
  /** What else is told of it at its end. */
  about?(): Readonly<Record<string, unknown>>;
}

/** Delivers to Turn. */
export class Courier<T> {
  readonly #options: CourierOptions;
  readonly #now: () => number;
  readonly #caller: Caller;
  readonly #lanes = new Lanes<T>();
  readonly #followers = new Followers();
  readonly #suspects: Suspects;
  readonly #ledger: Ledger;

  /** Makes it; no I/O. */
  constructor(options: CourierOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#caller = new Caller(options);
    this.#suspects = new Suspects(options.cache);
    this.#ledger = new Ledger(options.cache, options.flow);
  }

  /** What waits behind the parcel of `key` that is being delivered, the next first. */
  behind(key: string): readonly T[] {
    return this.#lanes.behind(key);
  }

  /** Delivers when all earlier ones of the same key are done with. */
  async deliver(parcel: Parcel<T>, arrival: Arrival): Promise<Disposition> {
    const { key, value, id } = parcel;
    const disposition = await this.#lanes.run(
      key,
      value,
      () => this.#settle(parcel, arrival),
      () => arrival.lost.aborted,
    );
    // It may have been put back undone, behind another.
    if (disposition.kind === "requeue" && !this.#suspects.isCleared(id)) {
      this.#suspects.clear(id, 0);
    }
    return disposition;
  }

  async #settle(parcel: Parcel<T>, arrival: Arrival): Promise<Disposition> {
    const { headers, redelivered, lost } = arrival;
    const past = readPast(headers);
    try {
      if (this.#caller.isOver(lost)) return this.#putBack(parcel);
      if (this.#hasToWait(parcel, past)) return this.#sendBehind(parcel, past ?? NO_PAST);
      if (past === undefined && !redelivered && !isMovedAgain(headers)) {
        return await this.#call(parcel, lost, NO_PAST, true);
      }
      return await this.#settleAgain(parcel, arrival, past ?? NO_PAST);
    } catch (error) {
      if (!(error instanceof CacheError)) {
        this.#ledger.count("parked"); // For that is what becomes of a bug's message.
        throw error;
      }
      const { flow, metrics } = this.#options;
      metrics.count(flow, "cache_failed");
      log.error("The cache fails, {flow} {messageId} has to wait: {reason}", {
        flow,
        ...parcel.names,
        reason: error.message,
      });
      await this.#caller.pause(CACHE_PAUSE_MS, lost);
      return this.#putBack(parcel);
    }
  }

  /** Whether one of the same key, before it in order, is in the first delay queue. */
  #hasToWait({ key, id }: Parcel<T>, past: Past | undefined): boolean {
    if (past === undefined) return this.#followers.has(key, this.#now());
    return this.#followers.remove(key, id) && past.waits === 0;
  }

  /** It has been here before: Turn may have it, or we may have died over it. */
  async #settleAgain(
    parcel: Parcel<T>,
    { headers, redelivered, lost }: Arrival,
    past: Past,
  ): Promise<Disposition> {
    const { flow, metrics } = this.#options;
    if (await parcel.isDelivered()) {
      this.#ended(parcel, "duplicate", { attempts: past.attempts });
      return { kind: "done" };
    }
    // One that waited behind another comes for the first time, too.
    const isNew = !redelivered && past.attempts === 0 && !isMovedAgain(headers);
    const call = (): Promise<Disposition> => this.#call(parcel, lost, past, isNew);
    // One that may be in its queue twice may end twice, too.
    if (!redelivered && !isNew && past.attempts === 0) this.#ledger.count("redelivered");
    if (!redelivered || this.#suspects.isCleared(parcel.id)) return await call();
    metrics.count(flow, "redelivered");
    this.#ledger.count("redelivered");
    log.info("Again, as it was in work when we or the connection ended: {flow} {messageId}", {
      flow,
      ...parcel.names,
    });
    return await this.#suspects.watch(parcel.id, call, (deaths) => {
      const reason = `the program ended ${deaths} times while it had this in work`;
      this.#ended(parcel, "parked", { reason });
      this.#ledger.count("parked");
      return { kind: "park", reason };
    });
  }

  async #call(
    parcel: Parcel<T>,
    lost: AbortSignal,
    past: Past,
    isNew: boolean,
  ): Promise<Disposition> {
    const skip = await parcel.prepare(isNew);
    if (skip !== undefined) return this.#skip(parcel, skip);
    const { id, names } = parcel;
    const outcome = await this.#caller.run({
      id,
      names,
      lost,
      // What comes out of a delay queue has had its quick attempts.
      retries: past.waits > 0 ? 0 : this.#options.retry.maxRetries,
      failures: isNew ? 0 : this.#suspects.takeFailures(id),
      call: (signal) => parcel.call(signal),
    });
    if (outcome.kind === "skip") return this.#skip(parcel, outcome);
    if (outcome.kind === "put_back") return this.#putBack(parcel, outcome.failures);
    const attempts = past.attempts + outcome.failures;
    if (outcome.kind === "failed") return this.#fail(parcel, { ...past, attempts }, outcome.failed);
    return await this.#delivered(parcel, attempts + 1);
  }

  /**
   * What is noted down of a user's message is not waited for: RabbitMQ is to hear at once that it is
   * done, as until then it would deliver it again. What was told of a message is: should we be killed,
   * what comes after it must not go back behind it.
   */
  async #delivered(parcel: Parcel<T>, attempts: number): Promise<Disposition> {
    const { cache, flow, metrics } = this.#options;
    this.#ended(parcel, "delivered", { attempts });
    const { queuedAt } = parcel;
    const at = this.#now();
    if (queuedAt !== undefined) metrics.delivered(flow, (at - queuedAt) / 1000);
    const noted = cache.putNotes(parcel.notes({ at, attempts }), [{ flow, result: "delivered" }])
      .catch((error: unknown) => {
        const values = { flow, ...parcel.names, reason: String(error) };
        // Turn has it. Should RabbitMQ deliver it again, Turn gets it twice, with the same id.
        const text = "Not noted that Turn has {flow} {messageId}: {reason}";
        if (error instanceof CacheError) log.warning(text, values);
        else log.error(`A bug: ${text}`, values);
      });
    if (flow === "status") await noted;
    return { kind: "done" };
  }

  #skip(parcel: Parcel<T>, { why }: Skip): Disposition {
    this.#ended(parcel, why === "duplicate" ? why : "skipped", { why });
    this.#ledger.count(`skipped_${why}`);
    return { kind: "done" };
  }

  #fail(parcel: Parcel<T>, past: Past, failed: Failed): Disposition {
    const now = this.#now();
    const { flow, metrics, retry: { delaysMs } } = this.#options;
    const disposition = afterFailure(past, failed, { delaysMs, forMs: parcel.retryForMs, now });
    const { reason, status } = failed;
    const { attempts } = past;
    if (disposition.kind !== "later") {
      this.#ended(parcel, "parked", { reason, status, attempts });
      this.#ledger.count("parked");
      return disposition;
    }
    const { delayMs } = disposition;
    if (delayMs === delaysMs[0]) this.#followers.add(parcel.key, parcel.id, true, delayMs, now);
    metrics.count(flow, "delayed");
    log.warning("Not delivered, coming again in {delayMs} ms: {flow} {messageId}, {reason}", {
      flow,
      ...parcel.names,
      delayMs,
      reason,
      attempts,
    });
    return disposition;
  }

  #sendBehind(parcel: Parcel<T>, past: Past): Disposition {
    const { flow, metrics, retry: { delaysMs: [delayMs = 0] } } = this.#options;
    this.#followers.add(parcel.key, parcel.id, false, delayMs, this.#now());
    metrics.count(flow, "delayed");
    log.debug("Waits behind an earlier one of the same user: {flow} {messageId}", {
      flow,
      ...parcel.names,
    });
    return waitBehind(past, delayMs);
  }

  /** `failures` are those that it came with, if it was not called about. */
  #putBack(parcel: Parcel<T>, failures?: number): Disposition {
    const { flow, metrics } = this.#options;
    this.#suspects.clear(parcel.id, failures ?? this.#suspects.takeFailures(parcel.id));
    metrics.count(flow, "requeued");
    log.debug("Left for its next delivery: {flow} {messageId}", { flow, ...parcel.names });
    return { kind: "requeue" };
  }

  #ended(
    parcel: Parcel<T>,
    result: Result,
    values: Readonly<Record<string, unknown>>,
  ): void {
    const { flow, metrics } = this.#options;
    const { names, queuedAt } = parcel;
    if (result === "parked") {
      log.error("Parked: {flow} {messageId}, {reason}", { flow, ...names, ...values });
    }
    const durationMs = queuedAt === undefined ? undefined : Math.max(0, this.#now() - queuedAt);
    const all = { ...names, ...parcel.about?.(), ...values, durationMs };
    reportEnding(metrics, flow, result, all);
  }
}
