/**
 * The checker: from what was put in and what came out of one flow to counts in the terms of Jepsen's
 * queue tests, and to a verdict. It is pure; that it can fail is shown in history_test.ts.
 *
 * - lost: put in for certain, and neither came out nor was parked;
 * - duplicated: came out more often than it was put in (each copy too many counts), or came out and
 *   was parked as well;
 * - recovered: an attempt to hand it over had no answer, so that nobody could know, and it came out;
 * - unexpected: came out or was parked, and was never put in;
 * - out of order: came out, for the first time, after a later one of the same user.
 *
 * @module
 */

/** Something that was put in. All of one user's are in the order in which they were. */
export interface Put {
  /** What it is known by on both sides. */
  readonly id: string;
  /** Whose order it is part of. */
  readonly user: string;
  /** Whether it is known to be in; `false` if whoever put it in had no answer. Default `true`. */
  readonly certain?: boolean;
  /** How often it was put in; default 1. */
  readonly copies?: number;
  /** What makes it useless once it came out: then this one may be left out. */
  readonly supersededBy?: string;
}

/** Something that was parked. */
export interface Parked {
  /** What it is known by. */
  readonly id: string;
  /** Why; empty if nobody said. */
  readonly reason: string;
  /** Turn's status, if that was why. */
  readonly status?: number;
}

/** All that is known of one flow. */
export interface History {
  /** What went in, in order. */
  readonly put: readonly Put[];
  /** Ids of what came out, in order, once for each time. */
  readonly out: readonly string[];
  /** What was parked. */
  readonly parked?: readonly Parked[];
  /** Ids of those that had an attempt at handing them over without an answer. */
  readonly unanswered?: ReadonlySet<string>;
  /** Whether one that came out of order may have; by default none may. */
  readonly mayBeLate?: (id: string) => boolean;
}

/** What came of a flow. */
export interface Counts {
  /** Different ones put in. */
  readonly put: number;
  /** Different ones that came out, of those put in. */
  readonly delivered: number;
  /** Different ones that were parked, of those put in. */
  readonly parked: number;
  /** See the head of this file, as for all that follow. */
  readonly lost: number;
  /** Copies too many. */
  readonly duplicated: number;
  /** Nobody could know, and they came out. */
  readonly recovered: number;
  /** Never put in. */
  readonly unexpected: number;
  /** Late in their user's order. */
  readonly outOfOrder: number;
  /** Of these, those that may be. */
  readonly excused: number;
  /** Left out for a later one that came out. */
  readonly superseded: number;
}

/** Which of a flow's counts may be more than 0, and how much. */
export type Allowance = Partial<
  Pick<Counts, "lost" | "duplicated" | "unexpected" | "outOfOrder" | "parked">
>;

/** Counts. */
export function count(history: History): Counts {
  const { put, out, parked = [], unanswered = new Set() } = history;
  const known = new Map(put.map((one) => [one.id, one]));
  const times = new Map<string, number>();
  for (const id of out) times.set(id, (times.get(id) ?? 0) + 1);
  const parkedIds = new Set(parked.map(({ id }) => id));
  const counts = { delivered: 0, parked: 0, lost: 0, duplicated: 0, recovered: 0, superseded: 0 };
  for (const { id, certain = true, copies = 1, supersededBy } of known.values()) {
    const came = times.get(id) ?? 0;
    const isParked = parkedIds.has(id);
    if (came > 0) counts.delivered++;
    if (isParked) counts.parked++;
    if (came > 0 && (!certain || unanswered.has(id))) counts.recovered++;
    counts.duplicated += Math.max(0, came - copies) + (came > 0 && isParked ? 1 : 0);
    if (came > 0 || isParked || !certain) continue;
    if (supersededBy !== undefined && times.has(supersededBy)) counts.superseded++;
    else counts.lost++;
  }
  const strangers = new Set([...out, ...parkedIds].filter((id) => !known.has(id)));
  const late = lateOf(history);
  const excused = late.filter((id) => history.mayBeLate?.(id) ?? false).length;
  return {
    ...counts,
    put: known.size,
    unexpected: strangers.size,
    outOfOrder: late.length,
    excused,
  };
}

/** Ids of those that came out, for the first time, after a later one of the same user. */
export function lateOf({ put, out }: Pick<History, "put" | "out">): readonly string[] {
  const places = new Map(put.map(({ id, user }, place) => [id, { user, place }]));
  const furthest = new Map<string, number>();
  const late: string[] = [];
  for (const id of new Set(out)) {
    const found = places.get(id);
    if (found === undefined) continue;
    const before = furthest.get(found.user) ?? -1;
    if (found.place < before) late.push(id);
    else furthest.set(found.user, found.place);
  }
  return late;
}

/** What is wrong: each count beyond its allowance, which is 0 unless it says more. */
export function faultsIn(flow: string, counts: Counts, allowed: Allowance = {}): string[] {
  const bounded = {
    lost: counts.lost,
    duplicated: counts.duplicated,
    unexpected: counts.unexpected,
    outOfOrder: counts.outOfOrder - counts.excused,
    parked: counts.parked,
  };
  const faults = Object.entries({ ...noAllowance, ...allowed }).flatMap(([name, most]) => {
    // Object.entries has lost the type of the keys.
    const found = bounded[name as keyof typeof bounded];
    return found > most ? [`${flow}: ${found} ${name}, at most ${most} may be`] : [];
  });
  // Nothing put in is nothing shown.
  return counts.put === 0 ? [`${flow}: nothing was put in`, ...faults] : faults;
}

const noAllowance = { lost: 0, duplicated: 0, unexpected: 0, outOfOrder: 0, parked: 0 };
