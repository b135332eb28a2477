// When the next SMS may go: one after the other, evenly, at the rate that the channel is given and at
// the rate that each transport was found to take.

import { FoundRate } from "./found_rate.ts";

/** What is late is made up for at once by so much; more would be a burst. */
const CREDIT_MS = 40;
const SECOND_MS = 1_000;
/** How long it is waited for what is on its way, before it is looked again. */
const GOING_MS = 100;
/** Names come off the wire, so there may be any; above so many, what is known of the first is forgotten. */
const MOST_TRANSPORTS = 100;

/** What goes evenly. */
export class Spacing {
  #nextAt = -Infinity;

  /** How long the next one has to wait. */
  waitMs(now: number): number {
    return Math.max(0, this.#nextAt - now);
  }

  /** One goes that counts for so many, at so many a second; `creditMs` of lateness are made up for. */
  take(now: number, count: number, rate: number, creditMs = CREDIT_MS): void {
    this.#nextAt = Math.max(this.#nextAt, now - creditMs) + count * 1_000 / rate;
  }
}

/** One channel's. Times are milliseconds, as of the same clock, which is never set back. */
export class SmsPace {
  readonly #channel = new Spacing();
  /** What went in the last second, as segments. */
  readonly #recent: { readonly at: number; readonly segments: number }[] = [];
  #recentSegments = 0;
  /** What is on its way to RabbitMQ, and may go with the next second's. */
  #goingSegments = 0;
  /** Until then another bridge's may be going. */
  #notBefore = -Infinity;
  readonly #transports = new Map<
    string,
    { readonly found: FoundRate; readonly spacing: Spacing }
  >();

  /** How long any message has to wait. */
  channelWaitMs(now: number): number {
    return Math.max(this.#notBefore - now, this.#channel.waitMs(now));
  }

  /** Another bridge has sent what it may in a second, perhaps just now. */
  pause(now: number): void {
    this.#notBefore = now + SECOND_MS;
  }

  /**
   * How long a message of so many segments has to wait so that no second has a tenth more of them than
   * `maxPerSecond`: evenly is not enough where each is of several, which go together.
   */
  secondWaitMs(now: number, segments: number, maxPerSecond: number): number {
    const most = Math.floor(maxPerSecond * 1.1) - segments;
    const recent = this.#recent;
    for (
      let [first] = recent;
      first !== undefined && first.at <= now - SECOND_MS;
      [first] = recent
    ) {
      this.#recentSegments -= first.segments;
      recent.shift();
    }
    let left = this.#recentSegments + this.#goingSegments;
    if (maxPerSecond === 0 || left <= most || left === 0) return 0;
    // One that has more than that goes alone.
    const last = recent.find((each) => (left -= each.segments) <= Math.max(0, most));
    return last === undefined ? GOING_MS : last.at + SECOND_MS - now;
  }

  /** How long a message to this transport has to wait; 0: it may go. */
  waitMs(transport: string, now: number): number {
    const known = this.#transports.get(transport);
    const slowed = known?.found.rate === undefined ? 0 : known.spacing.waitMs(now);
    return Math.max(this.channelWaitMs(now), slowed);
  }

  /** Whether the transport is given all that comes. */
  isFree(transport: string): boolean {
    return this.#transports.get(transport)?.found.rate === undefined;
  }

  /**
   * A message goes, as so many segments; `maxPerSecond` of them may, 0 for any number. {@linkcode SmsPace.gone}
   * is to be called when it is there: without a connection to RabbitMQ what goes comes all together later.
   */
  take(transport: string, now: number, segments: number, maxPerSecond: number): void {
    if (maxPerSecond > 0) {
      this.#goingSegments += segments;
      // So that no second has more than a tenth too many.
      const creditMs = Math.min(CREDIT_MS, Math.floor(maxPerSecond / 10) * 1_000 / maxPerSecond);
      this.#channel.take(now, segments, maxPerSecond, creditMs);
    }
    const known = this.#transports.get(transport);
    if (known?.found.rate === undefined) return;
    known.spacing.take(now, 1, known.found.rate);
    known.found.used(now);
  }

  /** What was taken as so many segments is at RabbitMQ, or will not be. */
  gone(now: number, segments: number, maxPerSecond: number): void {
    if (maxPerSecond === 0) return;
    this.#goingSegments -= segments;
    this.#recent.push({ at: now, segments });
    this.#recentSegments += segments;
  }

  acked(transport: string, now: number): void {
    this.#of(transport).found.acked(now);
  }

  throttled(transport: string, now: number, sentAt: number): void {
    this.#of(transport).found.throttled(now, sentAt);
  }

  /** No message waits. */
  idle(now: number): void {
    for (const { found } of this.#transports.values()) found.idle(now);
  }

  /** What each transport was found to take in a second; 0: all that comes. */
  rates(): ReadonlyMap<string, number> {
    return new Map([...this.#transports].map(([name, { found }]) => [name, found.rate ?? 0]));
  }

  #of(transport: string) {
    let known = this.#transports.get(transport);
    if (known === undefined) {
      const [first] = this.#transports.keys();
      if (first !== undefined && this.#transports.size >= MOST_TRANSPORTS) {
        this.#transports.delete(first);
      }
      this.#transports.set(transport, known = { found: new FoundRate(), spacing: new Spacing() });
    }
    return known;
  }
}
