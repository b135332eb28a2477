/**
 * Tells a Turn that is down from a message that fails: a circuit breaker over all calls of a channel.
 * It opens when most calls of the last seconds have failed, or some in a row could not be made at
 * all. Then nothing is called, but one call after each pause, until one comes through.
 *
 * A library's was measured and left aside: its windows age by calls and not by time, so a message
 * that fails alone, seldom, would open it and then be tried for ever instead of being parked.
 *
 * @module
 */

/** Calls are looked at for so long, in slices of a second. */
const WINDOW_S = 30;
/** So many calls at least must have been made in that time. */
const LEAST_CALLS = 10;
/** And this share of them must have failed. */
const FAILED_SHARE = 0.7;
/** Or so many in a row found Turn unreachable. */
const UNREACHABLE_IN_A_ROW = 5;

/** How long nothing is called, in milliseconds: doubled from the first to the longest. */
const PAUSES = { firstMs: 1_000, longestMs: 60_000 } as const;

/** Whether calls are made: all, none, or one to see. */
export type BreakerState = "closed" | "open" | "half-open";

/** What a call said of Turn: that it works, that it may not, that it can't be used at all. */
export type Sign = "works" | "fails" | "unreachable";

interface Slice {
  readonly second: number;
  calls: number;
  failed: number;
}

/** A circuit breaker; see the head of this file. Its times are of a clock in milliseconds. */
export class Breaker {
  #state: BreakerState = "closed";
  #slices: Slice[] = [];
  #unreachable = 0;
  #pauseMs: number = PAUSES.firstMs;
  #probeAt = Infinity;

  /** Whether calls are made. */
  get state(): BreakerState {
    return this.#state;
  }

  /** When the next call may be made to see; `Infinity` unless it is open. */
  get probeAt(): number {
    return this.#probeAt;
  }

  /** The pause is over: one call may be made. */
  probe(): void {
    this.#state = "half-open";
    this.#probeAt = Infinity;
  }

  /**
   * Takes what a call came to.
   *
   * @param isProbe Whether it is the call that {@linkcode probe} allowed; any others were made before
   * it opened, and count no more.
   */
  record(sign: Sign, isProbe: boolean, now: number): void {
    if (this.#state === "closed") {
      this.#count(sign, now);
      if (this.#isTooMuch()) this.#open(PAUSES.firstMs, now);
    } else if (isProbe && sign === "works") {
      this.#state = "closed";
      this.#slices = [];
      this.#unreachable = 0;
    } else if (isProbe) {
      this.#open(Math.min(2 * this.#pauseMs, PAUSES.longestMs), now);
    }
  }

  #open(pauseMs: number, now: number): void {
    this.#state = "open";
    this.#pauseMs = pauseMs;
    this.#probeAt = now + pauseMs;
  }

  #count(sign: Sign, now: number): void {
    const second = Math.floor(now / 1000);
    let slice = this.#slices.at(-1);
    if (slice?.second !== second) {
      slice = { second, calls: 0, failed: 0 };
      this.#slices = this.#slices.filter((old) => old.second > second - WINDOW_S);
      this.#slices.push(slice);
    }
    slice.calls++;
    if (sign !== "works") slice.failed++;
    this.#unreachable = sign === "unreachable" ? this.#unreachable + 1 : 0;
  }

  #isTooMuch(): boolean {
    if (this.#unreachable === 0 && this.#slices.at(-1)?.failed === 0) return false;
    if (this.#unreachable >= UNREACHABLE_IN_A_ROW) return true;
    let [calls, failed] = [0, 0];
    for (const slice of this.#slices) {
      calls += slice.calls;
      failed += slice.failed;
    }
    return calls >= LEAST_CALLS && failed >= FAILED_SHARE * calls;
  }
}
