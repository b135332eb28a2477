// Tells a Turn that is down from a message that fails: a circuit breaker over all calls of a channel.
// It opens when most calls of the last seconds have failed, or some in a row could not be made at
// all. Then nothing is called, but one call after each pause, until one comes through.
//
// A library's was measured and left aside: its windows age by calls and not by time, so a message
// that fails alone, seldom, would open it and then be tried for ever instead of being parked.

/** How long calls are looked at, */
const WINDOW_MS = 30_000;
/** but no more than so many, or under load a failing Turn would be called for long. */
const MOST_CALLS = 50;
/** It opens if the last so many calls all failed, */
const LEAST_CALLS = 10;
/** or this share of them, if at least so many were made, */
const FAILED_SHARE = 0.7;
/** or if so many in a row found Turn unreachable. */
const UNREACHABLE_IN_A_ROW = 5;

/** How long nothing is called: doubled from the first to the longest. */
const PAUSES = { firstMs: 1_000, longestMs: 60_000 } as const;

/** Whether calls are made: all, none, or one to see. */
type CircuitState = "closed" | "open" | "half-open";

/** What a call said of Turn: that it works, that it may not, that it can't be used at all. */
export type Sign = "works" | "fails" | "unreachable";

/** A circuit breaker; see the head of this file. Times are milliseconds on a clock never set back. */
export class CircuitBreaker {
  state: CircuitState = "closed";
  /** When the next call may be made to see; `Infinity` unless it is open. */
  probeAt = Infinity;
  /** Goes up each time it opens: what a call begun before says is old news. */
  epoch = 0;
  #calls: { readonly at: number; readonly failed: boolean }[] = [];
  #unreachable = 0;
  #pauseMs: number = PAUSES.firstMs;

  /** Allows one call, as the pause is over. */
  probe(): void {
    this.state = "half-open";
    this.probeAt = Infinity;
  }

  /**
   * Counts the end of a call.
   * @param epoch What {@linkcode CircuitBreaker.epoch} was when it began: calls that were under way
   * when it opened count no more. So in `half-open` only the one that was allowed does.
   */
  record(sign: Sign, epoch: number, now: number): void {
    if (epoch !== this.epoch) return;
    if (this.state === "closed") {
      this.#count(sign, now);
      if (sign !== "works" && this.#isTooMuch(now)) this.#open(PAUSES.firstMs, now);
    } else if (sign === "works") {
      this.state = "closed";
      this.#calls = [];
      this.#unreachable = 0;
    } else {
      this.#open(Math.min(2 * this.#pauseMs, PAUSES.longestMs), now);
    }
  }

  #open(pauseMs: number, now: number): void {
    this.state = "open";
    this.epoch++;
    this.#pauseMs = pauseMs;
    this.probeAt = now + pauseMs;
  }

  #count(sign: Sign, now: number): void {
    this.#calls.push({ at: now, failed: sign !== "works" });
    if (this.#calls.length > MOST_CALLS) this.#calls.shift();
    this.#unreachable = sign === "unreachable" ? this.#unreachable + 1 : 0;
  }

  #isTooMuch(now: number): boolean {
    if (this.#unreachable >= UNREACHABLE_IN_A_ROW) return true;
    const calls = this.#calls.filter(({ at }) => at > now - WINDOW_MS);
    const failed = calls.filter((call) => call.failed).length;
    if (calls.length < LEAST_CALLS) return false;
    // After many that came through, a share would take so long that messages spend their retries.
    const allFailed = calls.slice(-LEAST_CALLS).every((call) => call.failed);
    return allFailed || failed >= FAILED_SHARE * calls.length;
  }
}
