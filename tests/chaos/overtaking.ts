/**
 * Order where messages fail for a while: a message whose quick attempts have failed waits in a delay
 * queue, its user's next ones wait behind it for the first delay, and what comes later than that may
 * overtake it. From the calls that Turn saw this works out who may be late, and who overtook too
 * soon. It is pure.
 *
 * @module
 */

/** A call to Turn about a message that came to an end. Times are milliseconds. */
export interface Call {
  /** Which message. */
  readonly id: string;
  /** When it arrived. */
  readonly at: number;
  /** When it was answered, or left without an answer. */
  readonly endedAt: number;
  /** Whether it settled the matter: answered 2xx, or refused for good. */
  readonly settled: boolean;
  /** Whether the caller may have made it again by itself, unasked: it then counts for less. */
  readonly mayRepeat?: boolean;
}

/** A message, in its user's order. */
export interface Place {
  /** Which. */
  readonly id: string;
  /** Whose. */
  readonly user: string;
  /** When it was put in the queue. */
  readonly at: number;
}

/** What the order is judged by. */
export interface OvertakingOptions {
  /** All messages; one user's in their order. */
  readonly places: readonly Place[];
  /** All calls, in order. */
  readonly calls: readonly Call[];
  /** Quick attempts before a message is delayed. */
  readonly quickAttempts: number;
  /** The first delay. */
  readonly firstDelayMs: number;
  /** What the machine may add to it. */
  readonly slackMs: number;
}

/** What was found. */
export interface Overtaking {
  /** Messages that have been, or may have been, in a delay queue: they may be late. */
  readonly delayed: ReadonlySet<string>;
  /** Messages that were called about while an earlier one of their user waited its first delay. */
  readonly tooSoon: readonly string[];
}

/** Works it out. */
export function overtaking(options: OvertakingOptions): Overtaking {
  const { places, calls, quickAttempts, firstDelayMs, slackMs } = options;
  const callsOf = Map.groupBy(calls, ({ id }) => id);
  const delayed = new Set<string>();
  const tooSoon: string[] = [];
  for (const queue of Map.groupBy(places, ({ user }) => user).values()) {
    const waits: Wait[] = [];
    for (const { id, at } of queue) {
      const own = callsOf.get(id) ?? [];
      const first = own[0]?.at ?? Infinity;
      if (waits.some(({ from, isSure, until }) => isSure && first > from && first < until)) {
        tooSoon.push(id);
      }
      const mayWait = waits.some(({ from, mostUntil }) => first > from && at < mostUntil);
      const wait = waitOf(own, quickAttempts, firstDelayMs, slackMs);
      if (wait) waits.push(wait);
      if (wait || mayWait) delayed.add(id);
    }
  }
  return { delayed, tooSoon };
}

/** A message in its first delay. */
interface Wait {
  readonly from: number;
  /** Until when it waited for sure: till it was called about again. */
  readonly until: number;
  /** Until when what is queued may have been made to wait behind it. */
  readonly mostUntil: number;
  /** Whether it is known that it was delayed then, and not already, or not yet. */
  readonly isSure: boolean;
}

function waitOf(
  calls: readonly Call[],
  quickAttempts: number,
  firstDelayMs: number,
  slackMs: number,
): Wait | undefined {
  const last = calls[quickAttempts - 1];
  const quick = calls.slice(0, quickAttempts);
  if (last === undefined || quick.some(({ settled }) => settled)) return undefined;
  const again = calls[quickAttempts]?.at ?? Infinity;
  return {
    from: last.endedAt,
    until: Math.min(again, last.endedAt + firstDelayMs - slackMs),
    mostUntil: last.endedAt + firstDelayMs + slackMs,
    // Called again at once, it was not delayed: an attempt was made twice, or it was put back.
    isSure: again - last.endedAt >= firstDelayMs / 2 && !quick.some(({ mayRepeat }) => mayRepeat),
  };
}
