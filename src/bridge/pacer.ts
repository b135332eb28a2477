/**
 * Keeps calls to Turn within its rate limit, by what its answers say of it, so that it hardly ever
 * has to refuse one. Without a word of Turn's nothing is held back.
 *
 * Calls of a window are counted twice: by what Turn said was left, less those that it had not
 * answered then; and by ourselves, for the case that only a refusal carries the headers.
 *
 * @module
 */

import type { RateLimit } from "../turn/mod.ts";

/** What is called; each may have a budget of its own at Turn, or share one. */
export type Resource = "messages" | "statuses";

/** The length of a window, until Turn has told the end of one: its documentation has 60 s. */
const WINDOW_MS = 60_000;
/** A refusal that does not say for how long is taken to mean this. */
const LEAST_PAUSE_MS = 1_000;
/** Added to Turn's times, as its clock is not ours. */
const MARGIN_MS = 50;
/**
 * The share of a window's calls that is kept from statuses for users' messages that may yet come.
 * It shrinks with the time that the window has left.
 */
const RESERVED_SHARE = 0.25;
/** How often statuses look whether the reserve has shrunk. */
const RESERVE_STEP_MS = 500;

interface Budget {
  limit: number | undefined;
  /** Least that Turn said was left in this window. */
  left: number;
  /** Calls begun in this window. */
  used: number;
  /** Calls not answered yet. */
  inFlight: number;
  /** End of the window. */
  resetAt: number;
  /** No call before this. */
  closedUntil: number;
  windowMs: number;
}

/** Rate limits of one channel; its times are milliseconds since 1970, as Turn's are. */
export class Pacer {
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

  /** A call is made. Answers the bucket that it is taken from, for {@linkcode Pacer.ended}. */
  begun(resource: Resource): string {
    const bucket = this.#bucketOf[resource];
    const budget = this.#budget(bucket);
    budget.used++;
    budget.inFlight++;
    return bucket;
  }

  /**
   * A call was answered, or was given up.
   *
   * @param bucket What {@linkcode Pacer.begun} answered.
   * @param limit What Turn said of its limit.
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

  /** What is known of each bucket now, for metrics; the empty name is the one without. */
  known(): readonly { bucket: string; limit: number; left: number }[] {
    return [...this.#budgets].flatMap(([bucket, { limit, left }]) =>
      limit === undefined ? [] : [{ bucket, limit, left: Math.min(left, limit) }]
    );
  }

  #budget(bucket: string): Budget {
    const known = this.#budgets.get(bucket);
    if (known !== undefined) return known;
    const made: Budget = {
      limit: undefined,
      left: Infinity,
      used: 0,
      inFlight: 0,
      resetAt: Infinity,
      closedUntil: 0,
      windowMs: WINDOW_MS,
    };
    this.#budgets.set(bucket, made);
    return made;
  }
}

function startWindow(budget: Budget, now: number): void {
  budget.left = Infinity;
  budget.used = budget.inFlight;
  budget.resetAt = now + budget.windowMs;
}

function learn(budget: Budget, { limit, remaining, resetAt }: RateLimit, now: number): void {
  if (limit !== undefined && limit >= 1) budget.limit = limit;
  // Answers of the same window differ a little, if Turn tells the time that is left.
  const end = resetAt === undefined ? budget.resetAt : resetAt + MARGIN_MS;
  if (end > budget.resetAt + budget.windowMs / 2 || budget.resetAt === Infinity) {
    budget.resetAt = end === Infinity ? now + budget.windowMs : end;
    budget.windowMs = Math.max(budget.resetAt - now, LEAST_PAUSE_MS);
    budget.left = Infinity;
    const { limit: most = 0, inFlight } = budget;
    budget.used = inFlight + (remaining === undefined ? 1 : Math.max(0, most - remaining));
  } else if (end < budget.resetAt) {
    budget.resetAt = end;
  }
  if (remaining !== undefined) budget.left = Math.min(budget.left, remaining);
}

function reserved({ limit = 0, resetAt, windowMs }: Budget, now: number): number {
  if (resetAt === Infinity) return 0;
  const share = Math.min(1, (resetAt - now) / windowMs);
  return Math.floor(RESERVED_SHARE * limit * share);
}
