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
  /** Whether it may not count as an attempt: limited, or made again by the HTTP client itself. */
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
  const { places, calls } = options;
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
      // One that has waited for another is delayed again, if it fails: that is not its first delay.
      const ownWaits = waitsOf(own, options).map((wait) =>
        mayWait ? { ...wait, isSure: false } : wait
      );
      waits.push(...ownWaits);
      if (ownWaits.length > 0 || mayWait) delayed.add(id);
    }
  }
  return { delayed, tooSoon };
}

/** A message in a delay queue, or perhaps. */
interface Wait {
  readonly from: number;
  /** Until when it waited for sure: till it was called about again. */
  readonly until: number;
  /** Until when what is queued may have been made to wait behind it. */
  readonly mostUntil: number;
  /** Whether it is known that this was its first delay. */
  readonly isSure: boolean;
}

/** Each failure from the last of the quick attempts on may have been followed by a delay. */
function waitsOf(
  calls: readonly Call[],
  { quickAttempts, firstDelayMs, slackMs }: OvertakingOptions,
): Wait[] {
  const isClear = !calls.slice(0, quickAttempts).some(({ mayRepeat }) => mayRepeat);
  return calls.flatMap(({ settled, endedAt }, place) => {
    if (settled || place < quickAttempts - 1) return [];
    const again = calls[place + 1]?.at ?? Infinity;
    return [{
      from: endedAt,
      until: Math.min(again, endedAt + firstDelayMs - slackMs),
      mostUntil: endedAt + firstDelayMs + slackMs,
      // Called about again at once it was not delayed, but put back, say.
      isSure: isClear && place === quickAttempts - 1 && again - endedAt >= firstDelayMs / 2,
    }];
  });
}
