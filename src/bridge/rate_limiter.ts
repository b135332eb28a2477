// Keeps calls to Turn within its rate limit, by what its answers say of it, so that it hardly ever
// has to refuse one. Without a word of Turn's nothing is held back.
//
// Calls of a window are counted twice: by what Turn said was left, less those that it had not
// answered then; and by ourselves, for the case that only a refusal carries the headers.

import type { TurnFigures } from "../telemetry/mod.ts";
import type { RateLimit } from "../turn/mod.ts";

/** What is called; both may share one budget at Turn. */
export type Resource = "messages" | "statuses";

/** The length of a window until Turn lets it be known: its documentation has 60 s. */
const WINDOW_MS = 60_000;
/** A refusal that does not say for how long is taken to mean this. */
const LEAST_PAUSE_MS = 1_000;
/** Added to Turn's times, as its clock is not ours. */
const MARGIN_MS = 50;
/** The share of a window's calls kept from statuses for users' messages; it shrinks with the window. */
const RESERVED_SHARE = 0.25;
/** How often statuses look whether the reserve has shrunk. */
const RESERVE_STEP_MS = 500;

class Budget {
  limit: number | undefined;
  /** Least that Turn said was left in this window. */
  left = Infinity;
  used = 0;
  inFlight = 0;
  /** When the window began, as far as we know, and when it ends. */
  startedAt = -Infinity;
  resetAt = Infinity;
  /** The furthest end of a window that Turn has announced. */
  announcedEnd = -Infinity;
  /** Length of a window, as far as is known: never more than it is. */
  windowMs = 0;
  /** No call before this. */
  closedUntil = -Infinity;
}

/** Rate limits of one channel. All times are milliseconds on one clock, those that Turn tells too. */
export class RateLimiter {
  readonly #budgets = new Map<string, Budget>();
  readonly #bucketOf: Record<Resource, string> = { messages: "", statuses: "" };

  /** Milliseconds until a call may be made; 0 if it may be now. */
  waitMs(resource: Resource, now: number): number {
    const budget = this.#budget(this.#bucketOf[resource]);
    if (now >= budget.resetAt) startWindow(budget, now);
    if (now < budget.closedUntil) return budget.closedUntil - now;
    const free = Math.min(
      budget.left - budget.inFlight,
      budget.limit === undefined ? Infinity : budget.limit - budget.used,
    );
    if (free <= 0) return Math.max(1, budget.resetAt - now);
    if (resource === "statuses" && free <= reserved(budget, now)) return RESERVE_STEP_MS;
    return 0;
  }

  /** Counts a call that begins. Answers its bucket, for {@linkcode RateLimiter.ended}. */
  begun(resource: Resource): string {
    const bucket = this.#bucketOf[resource];
    const budget = this.#budget(bucket);
    budget.used++;
    budget.inFlight++;
    return bucket;
  }

  /** Takes back a call that was not made after all. */
  notMade(bucket: string): void {
    const budget = this.#budget(bucket);
    budget.used--;
    budget.inFlight--;
  }

  /**
   * Counts a call that was answered or given up, and learns what Turn said of its limit.
   * @param bucket What {@linkcode RateLimiter.begun} answered.
   * @param limit What Turn said of its limit, on our clock.
   * @param refusedForMs If Turn refused it for the limit, how long it is to wait at least.
   */
  ended(
    resource: Resource,
    bucket: string,
    limit: RateLimit | undefined,
    refusedForMs: number | undefined,
    now: number,
  ): void {
    this.#budget(bucket).inFlight--;
    if (limit?.bucket !== undefined) this.#bucketOf[resource] = limit.bucket;
    const budget = this.#budget(this.#bucketOf[resource]);
    if (limit !== undefined) learn(budget, limit, now);
    if (refusedForMs === undefined) return;
    const pauseMs = Math.max(refusedForMs, LEAST_PAUSE_MS) + MARGIN_MS;
    budget.closedUntil = Math.max(budget.closedUntil, now + pauseMs);
  }

  /** What is known of each bucket, for metrics; `resetAt` is `-Infinity` if Turn has not announced it. */
  known(): TurnFigures["limits"] {
    return [...this.#budgets].flatMap(([bucket, { limit, left, announcedEnd: resetAt }]) =>
      limit === undefined ? [] : [{ bucket, limit, left: Math.min(left, limit), resetAt }]
    );
  }

  #budget(bucket: string): Budget {
    const budget = this.#budgets.get(bucket) ?? new Budget();
    this.#budgets.set(bucket, budget);
    return budget;
  }
}

function startWindow(budget: Budget, now: number): void {
  budget.left = Infinity;
  budget.used = budget.inFlight;
  budget.startedAt = now;
  budget.resetAt = now + lengthOf(budget);
}

function learn(budget: Budget, { limit, remaining, resetAt: end }: RateLimit, now: number): void {
  if (limit !== undefined && limit >= 1) budget.limit = limit;
  // Without an end the limit could close it for ever.
  if (budget.resetAt === Infinity) budget.resetAt = now + lengthOf(budget);
  if (end !== undefined) {
    // Turn was slow to answer: that window is over, and says nothing of this one.
    if (end <= now || end < budget.announcedEnd - budget.windowMs / 2) return;
    learnEnd(budget, end, remaining, now);
  }
  if (remaining !== undefined) budget.left = Math.min(budget.left, remaining);
}

function learnEnd(budget: Budget, end: number, remaining: number | undefined, now: number): void {
  const { limit = 0, inFlight, startedAt, announcedEnd, windowMs } = budget;
  budget.windowMs = Math.max(windowMs, end - now);
  // Answers of the same window may differ a little, if Turn tells the time that is left.
  if (end > announcedEnd + windowMs / 2) {
    const sinceMs = end - announcedEnd;
    // Less than two windows, so it is one: with answers far between it may be many.
    if (sinceMs < 2 * budget.windowMs) budget.windowMs = Math.max(budget.windowMs, sinceMs);
    if (startedAt < announcedEnd || startedAt === -Infinity) {
      budget.left = Infinity;
      budget.used = inFlight + (remaining === undefined ? 1 : Math.max(0, limit - remaining));
      budget.startedAt = now;
    }
    budget.announcedEnd = end;
  }
  budget.resetAt = end + MARGIN_MS;
}

function lengthOf({ windowMs }: Budget): number {
  return windowMs || WINDOW_MS;
}

function reserved(budget: Budget, now: number): number {
  const { limit = 0, resetAt } = budget;
  if (resetAt === Infinity) return 0;
  const share = Math.min(1, (resetAt - now) / lengthOf(budget));
  return Math.floor(RESERVED_SHARE * limit * share);
}
