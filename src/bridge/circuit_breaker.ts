// Tells a Turn that is down from a message that fails: a circuit breaker over all calls of a channel.
// It opens when five calls in a row have failed, however long that took, or most calls of the last
// seconds, or at once when Turn says that it is away. Then nothing is called, but one call after each
// pause, until one comes through.
//
// A message that fails by its own fault looks like a Turn that is down while no other is sent. Two
// things tell which it is. What a message fails after others came through is not counted here: it is
// to blame (see turn_gate.ts). And if it is the only one that has failed since, nobody knows yet: so
// the next call about another message is made soon, and shows it; and meanwhile what it fails is
// charged to the message too (see attempts.ts), so that it is not tried for ever.
//
// A library's was measured and left aside: its windows age by calls and not by time.

/** It opens if so many calls in a row have failed, over any time, */
const FAILED_IN_A_ROW = 5;
/** or this share of those of the last seconds, */
const FAILED_SHARE = 0.7;
const WINDOW_MS = 30_000;
/** if at least so many were made; */
const LEAST_CALLS = 10;
/** and of no more than so many, or under load a failing Turn would be called for long. */
const MOST_CALLS = 50;

/**
 * How long nothing is called: doubled from the first to the longest, whatever Turn asks for, as an
 * outage may end before it was said to. Counted from when the last call began: one that hangs until
 * its time-out is a pause itself.
 */
const PAUSES = { firstMs: 1_000, longestMs: 10_000 } as const;

/** Above so many, it is not remembered of further ones that they have failed. */
const MOST_FAILING = 1_000;

/** Whether calls are made: all, none, or one to see. */
type CircuitState = "closed" | "open" | "half-open";

/** What a call said of Turn: that it works, that it may not, that it does not, whatever is sent. */
export type Sign = "works" | "fails" | "away";

/** A call that has ended. */
export interface EndedCall {
  /** The message that it was about. */
  readonly id: string;
  /** What {@linkcode CircuitBreaker.epoch} was when it began. */
  readonly epoch: number;
  /** When it began. */
  readonly since: number;
}

/** A circuit breaker; see the head of this file. Times are milliseconds on a clock never set back. */
export class CircuitBreaker {
  state: CircuitState = "closed";
  /** When the next call may be made to see; `Infinity` unless it is open. */
  probeAt = Infinity;
  /** The same about a message that has not failed, which may be sooner. */
  freshAt = Infinity;
  /** Goes up each time it opens: what a call begun before says is old news. */
  epoch = 0;
  #calls: { readonly at: number; readonly id: string; readonly failed: boolean }[] = [];
  #inARow = 0;
  /** What the calls were about that opened it, or have failed since a call came through. */
  readonly #failing = new Set<string>();
  #pauseMs = 0;

  /** Allows one call, as the pause is over. */
  probe(): void {
    this.state = "half-open";
    this.probeAt = this.freshAt = Infinity;
  }

  hasFailed(id: string): boolean {
    return this.#failing.has(id);
  }

  /** Whether a message is the only one that fails, as far as is known. */
  isAlone(id: string): boolean {
    return this.#failing.size === 1 && this.#failing.has(id);
  }

  /**
   * Counts the end of a call. Those that were under way when it opened count no more, so in
   * `half-open` only the one that was allowed does.
   * @param awayMs If Turn says that it is away, for how long; else 0.
   */
  record(sign: Sign, { id, epoch, since }: EndedCall, now: number, awayMs = 0): void {
    if (epoch !== this.epoch) return;
    const isClosed = this.state === "closed";
    if (isClosed) this.#count(id, sign !== "works", now);
    if (sign === "works") {
      if (!isClosed) this.#calls = [];
      this.state = "closed";
      this.#inARow = 0;
      this.#failing.clear();
      return;
    }
    this.#inARow++;
    if (this.#failing.size < MOST_FAILING) this.#failing.add(id);
    if (isClosed && awayMs === 0 && !this.#isTooMuch(now)) return;
    const pauseMs = Math.max(isClosed ? PAUSES.firstMs : 2 * this.#pauseMs, awayMs);
    this.state = "open";
    this.epoch++;
    this.#pauseMs = Math.min(pauseMs, PAUSES.longestMs);
    this.probeAt = Math.max(now + PAUSES.firstMs, since + this.#pauseMs);
    const isDoubtful = sign === "fails" && this.isAlone(id);
    this.freshAt = isDoubtful ? now + PAUSES.firstMs : this.probeAt;
  }

  #count(id: string, failed: boolean, at: number): void {
    this.#calls.push({ at, id, failed });
    if (this.#calls.length > MOST_CALLS) this.#calls.shift();
  }

  #isTooMuch(now: number): boolean {
    if (this.#inARow >= FAILED_IN_A_ROW) return true;
    const calls = this.#calls.filter(({ at }) => at > now - WINDOW_MS);
    const failed = calls.filter((call) => call.failed);
    if (calls.length < LEAST_CALLS || failed.length < FAILED_SHARE * calls.length) return false;
    for (const { id } of failed) this.#failing.add(id);
    return true;
  }
}
