/**
 * Calls to Turn about one message, as often as is worth it, and what then becomes of the message.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { CacheError } from "../cache/mod.ts";
import type { Flow, Metrics } from "../telemetry/mod.ts";
import type { Delivery } from "../turn/mod.ts";
import type { Disposition } from "../vumi/mod.ts";
import { sleep } from "./sleep.ts";

const log = getLogger(["turn-channels", "bridge"]);

/**
 * Longest wait between two attempts, whatever Turn asks for or the exponent comes to. A message in
 * work is not acked, and RabbitMQ closes the channel of one that is not acked for 30 minutes.
 */
const MAX_WAIT_MS = 5 * 60_000;

/** How often, and after which pauses, a call is tried again. */
export interface RetryOptions {
  /** Attempts after the first. */
  readonly maxRetries: number;
  /** See {@linkcode retryDelayMs}. */
  readonly delayBase: number;
  /** See {@linkcode retryDelayMs}. */
  readonly delayExponent: number;
}

/** What a {@linkcode Courier} is made of. */
export interface CourierOptions {
  /** How often. */
  readonly retry: RetryOptions;
  /** Counts by result. */
  readonly metrics: Metrics;
  /** Fires when nothing new is to be begun. */
  readonly stopping: AbortSignal;
  /** Fires when what is under way is to be left. */
  readonly abandon: AbortSignal;
  /** From 0 up to, not including, 1. */
  readonly random?: () => number;
}

/** What is to be delivered, as it is called in logs and metrics. */
export interface Parcel {
  /** Which way it goes. */
  readonly flow: Flow;
  /** The message that it is, or is about. */
  readonly messageId: string;
  /** The event that it is about. */
  readonly eventId?: string;
}

/** One attempt: the call, or `skip` if there is nothing to tell. */
export type Attempt = (signal: AbortSignal) => Promise<Delivery | "skip">;

/** Delivers to Turn. */
export class Courier {
  readonly #options: CourierOptions;
  readonly #random: () => number;

  /** Makes it; no I/O. */
  constructor(options: CourierOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  /**
   * Makes attempts until one settles the matter, or no more are due: then the message is parked.
   * When we stop, or the message is `lost`, it is left for its next delivery.
   */
  async deliver(parcel: Parcel, lost: AbortSignal, attempt: Attempt): Promise<Disposition> {
    const { retry, stopping } = this.#options;
    for (let retries = 0; !stopping.aborted && !lost.aborted; retries++) {
      const delivery = await this.#attempt(attempt);
      if (delivery === "abandoned") break;
      if (delivery === "skip") return this.#done(parcel, "skipped", retries);
      if (delivery.kind === "delivered") return this.#done(parcel, "delivered", retries);
      if (delivery.kind === "refused" || retries >= retry.maxRetries) {
        return this.#park(parcel, delivery);
      }
      const waitMs = this.#waitMs(retries, delivery.afterMs);
      const { reason, said } = delivery;
      log.debug("Turn said of {flow} {messageId}: {said}", { ...parcel, said });
      log.warning("Not delivered, trying again: {flow} {messageId}, {reason}", {
        ...parcel,
        reason,
        retries,
        waitMs,
      });
      await sleep(waitMs, AbortSignal.any([stopping, lost]));
    }
    this.#options.metrics.count(parcel.flow, "requeued");
    log.info("Left for its next delivery: {flow} {messageId}", { ...parcel });
    return { kind: "requeue" };
  }

  #waitMs(retries: number, afterMs: number): number {
    const delayMs = retryDelayMs(retries, this.#options.retry, this.#random());
    return Math.min(Math.max(delayMs, afterMs), MAX_WAIT_MS);
  }

  async #attempt(attempt: Attempt): Promise<Awaited<ReturnType<Attempt>> | "abandoned"> {
    const { abandon } = this.#options;
    try {
      return await attempt(abandon);
    } catch (error) {
      if (abandon.aborted) return "abandoned";
      if (error instanceof CacheError) return { kind: "retry", reason: error.message, afterMs: 0 };
      throw error;
    }
  }

  #done(parcel: Parcel, result: "delivered" | "skipped", retries: number): Disposition {
    this.#options.metrics.count(parcel.flow, result);
    log.info("Done: {flow} {messageId} {result}", { ...parcel, result, retries });
    return { kind: "done" };
  }

  #park(parcel: Parcel, delivery: Exclude<Delivery, { kind: "delivered" }>): Disposition {
    const { reason, status, said } = delivery;
    this.#options.metrics.count(parcel.flow, "parked");
    log.error("Parked: {flow} {messageId}, {reason}", { ...parcel, reason, status });
    return {
      kind: "park",
      reason: said === undefined ? reason : `${reason}: ${said}`,
      ...(status === undefined ? {} : { status }),
    };
  }
}

/**
 * The pause before attempt `retries` + 2, in milliseconds: a whole number of seconds below
 * base ** (retries * exponent), as vumi2 has it. `random` is from 0 up to, not including, 1.
 */
export function retryDelayMs(
  retries: number,
  { delayBase, delayExponent }: RetryOptions,
  random: number,
): number {
  const bound = Math.min(delayBase ** (retries * delayExponent), MAX_WAIT_MS / 1000);
  return Math.floor(random * bound) * 1000;
}
