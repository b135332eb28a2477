// How messages end, one flow's: each end is counted, also for the audit, and logged in one line of the
// same form whichever way it went. Nothing is parked without `Outcomes.park`.

import { CacheError, type KeptRecord, type Note } from "../cache/mod.ts";
import type { Flow, Outcome } from "../telemetry/mod.ts";
import type { Disposition } from "../vumi/mod.ts";
import type { Delivery } from "./delivery.ts";
import type { DeliveredRecord } from "./delivery_records.ts";
import { log } from "./log.ts";
import type { FlowOptions } from "./options.ts";
import { tolerateCacheError } from "./tolerate.ts";

/**
 * What is logged of an end: ids on both sides, `user`, `transport`, `attempts`, `durationMs`, …, and
 * `content`, which is left out again unless `log_content` is on.
 */
type OutcomeValues = Readonly<Record<string, unknown>> & {
  /** vumi's id of it; null if it did not become a message. */
  readonly messageId: string | null;
};

type OutcomesOptions = Pick<FlowOptions, "cache" | "metrics" | "now"> & { readonly flow: Flow };

type Ended = Pick<Delivery<never>, "job" | "details" | "isIn">;

/** What is counted for the audit of an end, if not its name alone, and what is noted with it. */
interface Audited {
  readonly results: readonly string[];
  readonly notes?: readonly Note[];
  readonly records?: readonly KeptRecord[];
}

/** What is noted with an end, and what is kept or forgotten. */
export type Kept = [notes?: readonly Note[], records?: readonly KeptRecord[]];

/** Why it is parked: perhaps for Turn's `status`, after so many attempts. */
interface ParkCause {
  readonly reason: string;
  readonly status?: number | undefined;
  readonly attempts?: number;
}

export class Outcomes {
  readonly #options: OutcomesOptions;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** Counts an end in the metrics, and for the audit; see {@linkcode Outcomes.audit}. */
  count(result: Outcome, audited: Audited = { results: [result] }): Promise<void> {
    const { metrics, flow } = this.#options;
    metrics.count(flow, result);
    return this.audit(audited.results, audited.notes, audited.records);
  }

  /**
   * Counts for the audit what came, or what it came to, and keeps notes and records: all or none. Nobody has to
   * wait for that; it never rejects for the cache, as a count is not worth a message.
   */
  async audit(
    results: readonly string[],
    notes: readonly Note[] = [],
    records: readonly KeptRecord[] = [],
  ): Promise<void> {
    if (results.length + notes.length + records.length === 0) return;
    const { cache, flow } = this.#options;
    const tallies = results.map((result) => ({ flow, result }));
    const written = cache.putNotes(notes, tallies, records);
    await tolerateCacheError(written, (reason) => {
      log.debug("Not counted for the audit: {reason}", { reason });
    });
  }

  /** Counts an end, as {@linkcode Outcomes.count} does, and logs it. */
  report(result: Outcome, values: OutcomeValues, audited?: Audited): Promise<void> {
    const { flow } = this.#options;
    const counted = this.count(result, audited);
    log.info("Done: {flow} {messageId} {result}", { flow, result, ...values });
    return counted;
  }

  /**
   * Turn has it.
   *
   * What is noted of a user's message is not waited for: RabbitMQ is to hear at once that it is done,
   * as until then it would deliver it again. What Turn was told of a message is waited for: should we
   * be killed, what comes after it must not go back behind it.
   */
  async delivered(
    of: Ended,
    { at, attempts }: DeliveredRecord,
    ...[notes, records]: Kept
  ): Promise<Disposition> {
    const { cache, flow, metrics } = this.#options;
    // What is counted for the audit comes with the notes.
    this.#end(of, "delivered", { attempts }, []);
    metrics.delivered(flow, (at - of.job.queuedAt) / 1000);
    const written = cache.putNotes(notes ?? [], [{ flow, result: "delivered" }], records);
    const noted = written.catch((error: unknown) => {
      const values = { flow, ...of.job.names, reason: String(error) };
      // Should RabbitMQ deliver it again, Turn gets it twice, with the same id.
      const text =
        "Could not record that Turn has {flow} {messageId}, it may get it twice: {reason}";
      if (error instanceof CacheError) log.warning(text, values);
      else log.error(`A bug: ${text}`, values);
    });
    if (flow === "status") await noted;
    return { kind: "done" };
  }

  duplicate(of: Ended, attempts: number): Disposition {
    this.#end(of, "duplicate", { attempts });
    return { kind: "done" };
  }

  skipped(of: Ended, why: string, ...[notes, records]: Kept): Disposition {
    const result = why === "duplicate" ? why : "skipped";
    this.#end(of, result, { why }, [`skipped_${why}`], notes, records);
    return { kind: "done" };
  }

  /** A user who read on has got the next page. */
  paged(of: Ended, notes: readonly Note[]): Disposition {
    this.#end(of, "paged", {}, ["paged"], notes);
    return { kind: "done" };
  }

  /** Parks it for a person to look at; `disposition` may say more than the reason. */
  park(
    of: Ended,
    failure: ParkCause,
    disposition: Disposition = { kind: "park", reason: failure.reason },
  ): Disposition {
    const { flow } = this.#options;
    log.error("Parked: {flow} {messageId}, {reason}", { flow, ...of.job.names, ...failure });
    // One with a bug may be parked before it was counted that it has come.
    this.#end(of, "parked", { ...failure }, of.isIn ? ["parked"] : ["in", "parked"]);
    return disposition;
  }

  /** Parks one because of a bug of ours. */
  parkForBug(of: Ended, thrown: unknown): Disposition {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const bug = `${error.name}: ${error.message}`;
    const values = { flow: this.#options.flow, ...of.job.names, bug, stack: error.stack };
    log.error("A bug in the work on {flow} {messageId}, please report it: {bug}", values);
    return this.park(of, { reason: `bug: ${bug}` });
  }

  /** Logs a bug of ours that does not change what the message has come to. */
  bugAfterEnd({ job: { names } }: Ended, error: unknown): void {
    const values = { flow: this.#options.flow, ...names, reason: String(error) };
    log.error("A bug, after {flow} {messageId} was done: {reason}", values);
  }

  /** Counts one that was in work when we or the connection ended. */
  returned({ job: { names } }: Ended): void {
    const { flow, metrics } = this.#options;
    metrics.count(flow, "redelivered");
    void this.audit(["redelivered"]);
    const text = "Delivered again after the program or its connection ended: {flow} {messageId}";
    log.info(text, { flow, ...names });
  }

  putBack({ job: { names } }: Ended): Disposition {
    const { flow, metrics } = this.#options;
    metrics.count(flow, "requeued");
    log.debug("Put back into its queue: {flow} {messageId}", { flow, ...names });
    return { kind: "requeue" };
  }

  /** Reports that it waits for the cache, or for the broker; `isSaid` if that was reported before. */
  waits({ job: { names } }: Ended, { name, message: reason }: Error, isSaid: boolean): void {
    const { flow, metrics } = this.#options;
    const isCache = name === "CacheError";
    if (isCache) metrics.count(flow, "cache_failed");
    const values = { flow, ...names, reason };
    const text = isCache
      ? "The cache fails, {flow} {messageId} waits: {reason}"
      : "RabbitMQ does not take what {flow} {messageId} needs sent, so that waits: {reason}";
    if (isSaid) log.debug(text, values);
    else log.error(text, values);
  }

  /** Counts one that can't be read, and is parked. */
  unreadable(): void {
    void this.report("unreadable", { messageId: null }, { results: ["in", "unreadable"] });
  }

  /** Counts one that was parked without us; `isNew` if we had not seen it before. */
  parkedElsewhere(isNew: boolean): void {
    const results = isNew ? ["in", "parked"] : ["parked"];
    void this.report("parked", { messageId: null }, { results });
  }

  #end(
    { job, details }: Ended,
    result: Outcome,
    values: Readonly<Record<string, unknown>>,
    results: readonly string[] = [result],
    notes: readonly Note[] = [],
    records: readonly KeptRecord[] = [],
  ): void {
    const durationMs = Math.max(0, this.#options.now() - job.queuedAt);
    const logged = { ...job.names, ...details, ...values, durationMs };
    void this.report(result, logged, { results, notes, records });
  }
}
