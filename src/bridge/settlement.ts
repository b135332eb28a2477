/**
 * What is counted, told and noted of a parcel when its matter is settled for good.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { CacheError, type MessageCache } from "../cache/mod.ts";
import type { Metrics, Result } from "../telemetry/mod.ts";
import type { Disposition } from "../vumi/mod.ts";
import type { Skip } from "./attempts.ts";
import { logOutcome } from "./outcome_log.ts";
import { Outcomes } from "./outcomes.ts";
import type { QueuedFlow } from "./delivery_records.ts";
import type { TurnJob } from "./turn_job.ts";

const log = getLogger(["turn-channels", "bridge"]);

/** What {@linkcode Settlement} need. */
export interface SettlementOptions {
  /** Which way. */
  readonly flow: QueuedFlow;
  /** Where it is noted. */
  readonly cache: MessageCache;
  /** Counts. */
  readonly metrics: Metrics;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Why a message is parked. */
export interface Failure {
  /** In words. */
  readonly reason: string;
  /** Turn's status, if it was for that. */
  readonly status?: number | undefined;
  /** Calls that failed. */
  readonly attempts?: number;
}

/** Ends matters. */
export class Settlement {
  readonly #options: SettlementOptions;
  readonly #ledger: Outcomes;

  /** Makes it; no I/O. */
  constructor(options: SettlementOptions) {
    this.#options = options;
    this.#ledger = new Outcomes(options.cache, options.flow);
  }

  /**
   * Turn has it, since the attempt of this number.
   *
   * What is noted down of a user's message is not waited for: RabbitMQ is to hear at once that it is
   * done, as until then it would deliver it again. What was told of a message is: should we be killed,
   * what comes after it must not go back behind it.
   */
  async delivered(parcel: TurnJob<unknown>, attempts: number): Promise<Disposition> {
    const { cache, flow, metrics, now } = this.#options;
    this.#end(parcel, "delivered", { attempts });
    const { queuedAt } = parcel;
    const at = now();
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

  /** Turn had it already. */
  duplicate(parcel: TurnJob<unknown>, attempts: number): Disposition {
    this.#end(parcel, "duplicate", { attempts });
    return { kind: "done" };
  }

  /** Turn needs not know of it. */
  skipped(parcel: TurnJob<unknown>, { why }: Skip): Disposition {
    this.#end(parcel, why === "duplicate" ? why : "skipped", { why });
    this.#ledger.count(`skipped_${why}`);
    return { kind: "done" };
  }

  /** A person is to look at it. */
  parked(parcel: TurnJob<unknown>, failure: Failure): Disposition {
    const { flow } = this.#options;
    const { reason } = failure;
    log.error("Parked: {flow} {messageId}, {reason}", { flow, ...parcel.names, ...failure });
    this.#end(parcel, "parked", { ...failure });
    this.#ledger.count("parked");
    return { kind: "park", reason };
  }

  #end(
    parcel: TurnJob<unknown>,
    result: Result,
    values: Readonly<Record<string, unknown>>,
  ): void {
    const { flow, metrics, now } = this.#options;
    const { names, queuedAt } = parcel;
    const durationMs = queuedAt === undefined ? undefined : Math.max(0, now() - queuedAt);
    logOutcome(metrics, flow, result, { ...names, ...parcel.about?.(), ...values, durationMs });
  }
}
