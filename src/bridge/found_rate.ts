// How many messages a second a transport takes, found out from what it throttles: all that comes until it
// does so first; then what it was heard to take, a little more with each message, and less when it
// throttles again.

/** It is not taken for less: to know when a transport takes more again, something has to be tried. */
const LEAST = 0.5;
/** So long after it throttled last, a transport for which nothing waits is given all that comes. */
const FORGET_MS = 60_000;
/** What is heard is counted in tenths of a second, for so long. */
const TENTH_MS = 100;
const MOST_TENTHS = 200;
/** By how much the rate grows within a second in which it is used, and falls at least. */
const GROWTH = 0.02;
const FALL = 0.95;
/** It grows twice as fast each time that it was not throttled for so long, to so many times. */
const FASTER_MS = 5_000;
const MOST_FASTER = 16;
/** After it throttled first, what it has taken may be heard so late. */
const FIRST_MS = 2_000;
/** By how much it grows with each message taken while nothing is known but that it is more. */
const SEARCH_GROWTH = 0.5;

export class FoundRate {
  /** Messages a second; undefined: all that comes. */
  #rate: number | undefined;
  readonly #acks: { readonly tenth: number; count: number }[] = [];
  /** In milliseconds, as given; when it throttled first and last, and the rate was changed. */
  #firstAt = 0;
  #lastAt = 0;
  #changedAt = 0;
  /** Whether nothing is known of the rate but that it is more. */
  #isSearched = false;

  /** Messages a second; undefined: all that comes. */
  get rate(): number | undefined {
    return this.#rate;
  }

  /** It has taken a message. */
  acked(now: number): void {
    const tenth = Math.floor(now / TENTH_MS);
    const last = this.#acks.at(-1);
    if (last?.tenth === tenth) last.count++;
    else this.#acks.push({ tenth, count: 1 });
    if (this.#acks.length > MOST_TENTHS) this.#acks.shift();
    if (this.#rate === undefined) return;
    if (this.#isSearched) this.#rate *= 1 + SEARCH_GROWTH;
    if (now - this.#firstAt > FIRST_MS) return;
    const measured = this.#measured(now, FIRST_MS);
    if (measured <= this.#rate) return;
    this.#rate = measured;
    this.#isSearched = false;
  }

  /** It has throttled a message that was sent at that time. Those of one burst are throttled together. */
  throttled(now: number, sentAt: number): void {
    this.#lastAt = now;
    const before = this.#rate;
    if (before === undefined) this.#firstAt = now;
    const spanMs = before === undefined
      ? 1_000
      : Math.min(20_000, Math.max(2_000, 20_000 / before));
    // As many again have to be sent before it is known what they have come to.
    const isTooSoon = sentAt < this.#changedAt ||
      (!this.#isSearched && now - this.#changedAt < spanMs);
    if (before !== undefined && isTooSoon) return;
    const measured = this.#measured(now, spanMs);
    this.#rate = before === undefined
      ? Math.max(LEAST, measured)
      : Math.max(LEAST, before / 2, Math.min(measured, before * FALL));
    this.#isSearched = measured === 0;
    this.#changedAt = now;
  }

  /** A message is sent at this rate. */
  used(now: number): void {
    if (this.#rate === undefined || this.#isSearched) return;
    const quietMs = now - Math.max(this.#changedAt, this.#lastAt);
    const faster = Math.min(MOST_FASTER, 2 ** Math.floor(quietMs / FASTER_MS));
    this.#rate += GROWTH * faster;
  }

  /** Nothing waits for it. */
  idle(now: number): void {
    if (now - this.#lastAt > FORGET_MS) this.#rate = undefined;
  }

  /** What it has taken in a second, of late. */
  #measured(now: number, mostMs: number): number {
    const spanMs = Math.min(mostMs, now - this.#firstAt + 1_000);
    const from = Math.floor((now - spanMs) / TENTH_MS);
    const count = this.#acks.reduce((sum, ack) => sum + (ack.tenth > from ? ack.count : 0), 0);
    return count * 1_000 / spanMs;
  }
}
